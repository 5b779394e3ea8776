//! [`Store`] in SQL that SQLite and PostgreSQL both speak. There is no NULL: an empty text and 0 stand for nothing.
//!
//! SQLite has one connection and so one statement at a time. PostgreSQL locks the rows of a lease and skips those that
//! another replica has (`FOR UPDATE SKIP LOCKED`): nobody waits, and what was skipped is tried again with the next look.

use super::{EVENT_QUEUE, Event, Hello, STATE_KEPT, SessionRow, Store, StoreError, WorkerRow};
use async_trait::async_trait;
use rr_fleet::{Desk, Placed, Seat, Time, Token, Worker};
use rr_protocol::worker::{SessionLoad, SessionState};
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::postgres::PgListener;
use sqlx::{AnyPool, AssertSqlSafe, Executor, Row};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Connections of one replica to PostgreSQL.
const CONNECTIONS: u32 = 8;
/// For a connection to come free.
const WITHIN: Duration = Duration::from_secs(10);
/// Before a listener that failed is opened again.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);
/// The channel on which replicas hear that something has changed; each has another one for its messages.
const CHANGED: &str = "rr_changed";

const SCHEMA: [&str; 8] = [
    "CREATE TABLE IF NOT EXISTS rr_joins (worker TEXT PRIMARY KEY, expires BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS rr_revoked (worker TEXT PRIMARY KEY, until BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS rr_workers (worker TEXT PRIMARY KEY, replica TEXT NOT NULL, program TEXT NOT NULL, \
     capacity BIGINT NOT NULL, taken BIGINT NOT NULL, viewers BIGINT NOT NULL, load DOUBLE PRECISION NOT NULL, \
     seen BIGINT NOT NULL, joined BIGINT NOT NULL, idle_since BIGINT NOT NULL, lost BIGINT NOT NULL, \
     draining BIGINT NOT NULL, notice BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS rr_sessions (session TEXT PRIMARY KEY, owner TEXT NOT NULL, project TEXT NOT NULL, \
     opened BIGINT NOT NULL, asked BIGINT NOT NULL, watched BIGINT NOT NULL, worker TEXT NOT NULL, lease BIGINT NOT NULL, \
     viewers BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS rr_sessions_by_owner ON rr_sessions (owner)",
    "CREATE INDEX IF NOT EXISTS rr_sessions_by_age ON rr_sessions (opened, session)",
    // Rows of their own: SQLite writes all of a row when one column changes.
    "CREATE TABLE IF NOT EXISTS rr_kept (session TEXT NOT NULL, part TEXT NOT NULL, state TEXT NOT NULL, \
     at BIGINT NOT NULL, PRIMARY KEY (session, part))",
    "CREATE TABLE IF NOT EXISTS rr_relay (id TEXT PRIMARY KEY, replica TEXT NOT NULL, message TEXT NOT NULL, \
     at BIGINT NOT NULL)",
];

/// The two texts of a [`SessionState`].
const DOCUMENT: &str = "document";
const VIEW: &str = "view";

/// SQLite or PostgreSQL.
pub struct SqlStore {
    pool: AnyPool,
    /// PostgreSQL's address; `None` is SQLite.
    postgres: Option<String>,
    /// SQLite has one replica: its messages need not go through the database.
    local: Arc<Mutex<HashMap<String, mpsc::Sender<Event>>>>,
}

impl SqlStore {
    /// Opens a database: `postgres://...`, or `None` for SQLite in this folder.
    ///
    /// # Errors
    /// It is not there, or does not let us in.
    pub async fn open(url: Option<&str>, folder: &Path) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let options = AnyPoolOptions::new().acquire_timeout(WITHIN);
        let (pool, postgres) = match url {
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                (options.max_connections(CONNECTIONS).connect(url).await?, Some(url.to_owned()))
            }
            Some(url) => return Err(StoreError::Url(url.split("://").next().unwrap_or_default().to_owned())),
            None => {
                let error = |source| StoreError::Folder { path: folder.to_owned(), source };
                rr_signal::private_file::create_dir(folder).map_err(error)?;
                let url = format!("sqlite://{}?mode=rwc", folder.join("gateway.sqlite").display());
                let pool = options.max_connections(1).idle_timeout(None).max_lifetime(None).connect(&url).await?;
                for pragma in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA busy_timeout = 5000"]
                {
                    pool.execute(pragma).await?;
                }
                (pool, None)
            }
        };
        let store = Self { pool, postgres, local: Arc::default() };
        store.make_tables().await?;
        Ok(store)
    }

    async fn make_tables(&self) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        if self.postgres.is_some() {
            // Two replicas that start at once would both make them, and one would fail.
            sqlx::query("SELECT pg_advisory_xact_lock(7277)").execute(&mut *tx).await?;
        }
        for table in SCHEMA {
            sqlx::query(table).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// For rows that are about to be changed.
    fn lock(&self) -> &'static str {
        if self.postgres.is_some() { " FOR UPDATE SKIP LOCKED" } else { "" }
    }

    async fn give_back(&self, tx: &mut sqlx::AnyConnection, worker: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE rr_workers SET taken = taken - 1 WHERE worker = $1 AND taken > 0")
            .bind(worker.to_owned())
            .execute(tx)
            .await?;
        Ok(())
    }

    /// A session waits again, if this worker has it.
    async fn take_back(&self, tx: &mut sqlx::AnyConnection, session: &str, worker: &str) -> Result<bool, sqlx::Error> {
        let freed = sqlx::query(
            "UPDATE rr_sessions SET worker = '', lease = 0, viewers = 0 WHERE session = $1 AND worker = $2",
        )
        .bind(session.to_owned())
        .bind(worker.to_owned())
        .execute(&mut *tx)
        .await?;
        let freed = freed.rows_affected() == 1;
        if freed {
            self.give_back(tx, worker).await?;
        }
        Ok(freed)
    }

    async fn notify(&self, channel: &str, text: &str) -> Result<(), StoreError> {
        sqlx::query("SELECT CAST(pg_notify($1, $2) AS TEXT)")
            .bind(channel.to_owned())
            .bind(text.to_owned())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    fn tell_local(&self, replica: Option<&str>, event: &Event) {
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        local.retain(|_, tx| !tx.is_closed());
        for (_, tx) in local.iter().filter(|(name, _)| replica.is_none_or(|replica| replica == name.as_str())) {
            // Full: it hears of it with its next look.
            let _ = tx.try_send(event.clone());
        }
    }
}

/// A replica's own channel.
fn channel(replica: &str) -> String {
    format!("rr_{replica}")
}

fn big(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn time(row: &AnyRow, column: &str) -> Result<Time, sqlx::Error> {
    Ok(Time(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default()))
}

fn some_time(row: &AnyRow, column: &str) -> Result<Option<Time>, sqlx::Error> {
    Ok(Some(time(row, column)?).filter(|time| *time != Time(0)))
}

fn count(row: &AnyRow, column: &str) -> Result<u32, sqlx::Error> {
    Ok(u32::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default())
}

fn worker_row(row: &AnyRow) -> Result<WorkerRow, sqlx::Error> {
    Ok(WorkerRow {
        desk: Desk {
            worker: Worker {
                token: Token(row.try_get("worker")?),
                seen: time(row, "seen")?,
                sessions: count(row, "taken")?,
                idle_since: time(row, "idle_since")?,
                notice: some_time(row, "notice")?,
            },
            capacity: count(row, "capacity")?,
            lost: some_time(row, "lost")?,
            draining: row.try_get::<i64, _>("draining")? != 0,
        },
        replica: row.try_get("replica")?,
        program: row.try_get("program")?,
        load: row.try_get("load")?,
        viewers: count(row, "viewers")?,
        joined: time(row, "joined")?,
    })
}

fn session_row(row: &AnyRow) -> Result<SessionRow, sqlx::Error> {
    let worker: String = row.try_get("worker")?;
    let until = time(row, "lease")?;
    Ok(SessionRow {
        seat: Seat {
            session: row.try_get("session")?,
            opened: time(row, "opened")?,
            asked: time(row, "asked")?,
            watched: some_time(row, "watched")?,
            placed: if worker.is_empty() { None } else { Some(Placed { worker: Token(worker), until }) },
        },
        owner: row.try_get("owner")?,
        project: row.try_get("project")?,
        viewers: count(row, "viewers")?,
    })
}

#[async_trait]
impl Store for SqlStore {
    async fn consume_join(&self, worker: &str, expires: Time) -> Result<bool, StoreError> {
        let done =
            sqlx::query("INSERT INTO rr_joins (worker, expires) VALUES ($1, $2) ON CONFLICT (worker) DO NOTHING")
                .bind(worker.to_owned())
                .bind(big(expires))
                .execute(&self.pool)
                .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn revoke(&self, worker: &str, until: Time) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO rr_revoked (worker, until) VALUES ($1, $2) ON CONFLICT (worker) DO UPDATE SET until = excluded.until",
        )
        .bind(worker.to_owned())
        .bind(big(until))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn is_revoked(&self, worker: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT worker FROM rr_revoked WHERE worker = $1").bind(worker.to_owned());
        Ok(row.fetch_optional(&self.pool).await?.is_some())
    }

    async fn hello(&self, replica: &str, hello: &Hello, now: Time) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO rr_workers (worker, replica, program, capacity, taken, viewers, load, seen, joined, idle_since, \
             lost, draining, notice) VALUES ($1, $2, $3, $4, 0, 0, 0, $5, $5, $5, 0, 0, 0) ON CONFLICT (worker) DO UPDATE \
             SET replica = excluded.replica, program = excluded.program, capacity = excluded.capacity, \
             seen = excluded.seen, lost = 0",
        )
        .bind(hello.worker.clone())
        .bind(replica.to_owned())
        .bind(hello.program.clone())
        .bind(i64::from(hello.capacity))
        .bind(big(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn beat(
        &self,
        worker: &str,
        load: f64,
        sessions: &[SessionLoad],
        now: Time,
        until: Time,
    ) -> Result<Vec<String>, StoreError> {
        let viewers: u32 = sessions.iter().map(|session| session.viewers).sum();
        let mut wrong = Vec::new();
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "UPDATE rr_workers SET seen = $2, load = $3, viewers = $4, \
             idle_since = CASE WHEN taken > 0 THEN $2 ELSE idle_since END WHERE worker = $1",
        )
        .bind(worker.to_owned())
        .bind(big(now))
        .bind(load)
        .bind(i64::from(viewers))
        .execute(&mut *tx)
        .await?;
        for session in sessions {
            let renewed = sqlx::query(
                "UPDATE rr_sessions SET lease = $3, viewers = $4, watched = CASE WHEN $4 > 0 THEN $5 ELSE watched END \
                 WHERE session = $1 AND worker = $2",
            )
            .bind(session.session.clone())
            .bind(worker.to_owned())
            .bind(big(until))
            .bind(i64::from(session.viewers))
            .bind(big(now))
            .execute(&mut *tx)
            .await?;
            if renewed.rows_affected() == 0 {
                wrong.push(session.session.clone());
            }
        }
        tx.commit().await?;
        Ok(wrong)
    }

    async fn lost(&self, replica: &str, worker: &str, now: Time) -> Result<(), StoreError> {
        sqlx::query("UPDATE rr_workers SET lost = $3 WHERE worker = $1 AND replica = $2 AND lost = 0")
            .bind(worker.to_owned())
            .bind(replica.to_owned())
            .bind(big(now))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn drain(&self, worker: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE rr_workers SET draining = 1 WHERE worker = $1").bind(worker.to_owned());
        Ok(done.execute(&self.pool).await?.rows_affected() == 1)
    }

    async fn notice(&self, worker: &str, at: Time) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE rr_workers SET notice = $2 WHERE worker = $1 AND (notice = 0 OR notice > $2)");
        query.bind(worker.to_owned()).bind(big(at)).execute(&self.pool).await?;
        Ok(())
    }

    async fn forget(&self, worker: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM rr_workers WHERE worker = $1").bind(worker.to_owned()).execute(&self.pool).await?;
        Ok(())
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM rr_workers ORDER BY worker").fetch_all(&self.pool).await?;
        Ok(rows.iter().map(worker_row).collect::<Result<_, _>>()?)
    }

    async fn want(&self, session: &str, owner: &str, project: &str, now: Time) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO rr_sessions (session, owner, project, opened, asked, watched, worker, lease, viewers) \
             VALUES ($1, $2, $3, $4, $4, 0, '', 0, 0) \
             ON CONFLICT (session) DO UPDATE SET asked = excluded.asked WHERE rr_sessions.asked < excluded.asked",
        )
        .bind(session.to_owned())
        .bind(owner.to_owned())
        .bind(project.to_owned())
        .bind(big(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn session(&self, session: &str) -> Result<Option<SessionRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM rr_sessions WHERE session = $1").bind(session.to_owned());
        Ok(row.fetch_optional(&self.pool).await?.as_ref().map(session_row).transpose()?)
    }

    async fn waiting_before(&self, seat: &Seat, asked: Time) -> Result<u32, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS before FROM rr_sessions WHERE worker = '' AND asked >= $3 \
             AND (opened < $1 OR (opened = $1 AND session < $2))",
        )
        .bind(big(seat.opened))
        .bind(seat.session.clone())
        .bind(big(asked))
        .fetch_one(&self.pool)
        .await?;
        Ok(count(&row, "before")?)
    }

    async fn owned(&self, owner: &str) -> Result<u32, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) AS owned FROM rr_sessions WHERE owner = $1").bind(owner.to_owned());
        Ok(count(&row.fetch_one(&self.pool).await?, "owned")?)
    }

    async fn sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM rr_sessions ORDER BY opened, session").fetch_all(&self.pool).await?;
        Ok(rows.iter().map(session_row).collect::<Result<_, _>>()?)
    }

    async fn lease(&self, session: &str, worker: &Token, until: Time) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let waits = format!("SELECT session FROM rr_sessions WHERE session = $1 AND worker = ''{}", self.lock());
        let waits = sqlx::query(AssertSqlSafe(waits)).bind(session.to_owned()).fetch_optional(&mut *tx).await?;
        let room = format!(
            "SELECT worker FROM rr_workers WHERE worker = $1 AND taken < capacity AND draining = 0 AND lost = 0{}",
            self.lock()
        );
        let room = sqlx::query(AssertSqlSafe(room)).bind(worker.0.clone()).fetch_optional(&mut *tx).await?;
        if waits.is_none() || room.is_none() {
            tx.rollback().await?;
            return Ok(false);
        }
        sqlx::query("UPDATE rr_workers SET taken = taken + 1 WHERE worker = $1")
            .bind(worker.0.clone())
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE rr_sessions SET worker = $2, lease = $3, viewers = 0 WHERE session = $1")
            .bind(session.to_owned())
            .bind(worker.0.clone())
            .bind(big(until))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn free(&self, session: &str, worker: &Token) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let freed = self.take_back(&mut tx, session, &worker.0).await?;
        tx.commit().await?;
        Ok(freed)
    }

    async fn keep(
        &self,
        session: &str,
        worker: &str,
        changes: &SessionState,
        last: bool,
        now: Time,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let has = if last {
            self.take_back(&mut tx, session, worker).await?
        } else {
            // The row stays as it is until this is over, so that nobody else begins with an older state.
            let row = if self.postgres.is_some() { " FOR UPDATE" } else { "" };
            let row = format!("SELECT session FROM rr_sessions WHERE session = $1 AND worker = $2{row}");
            let row = sqlx::query(AssertSqlSafe(row)).bind(session.to_owned()).bind(worker.to_owned());
            row.fetch_optional(&mut *tx).await?.is_some()
        };
        let parts = [(DOCUMENT, &changes.document), (VIEW, &changes.view)];
        for (part, state) in parts.into_iter().filter_map(|(part, state)| Some((part, state.as_ref()?))) {
            if !has {
                break;
            }
            sqlx::query(
                "INSERT INTO rr_kept (session, part, state, at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (session, part) DO UPDATE SET state = excluded.state, at = excluded.at",
            )
            .bind(session.to_owned())
            .bind(part.to_owned())
            .bind(state.to_owned())
            .bind(big(now))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(has)
    }

    async fn kept(&self, session: &str, worker: &str) -> Result<Option<SessionState>, StoreError> {
        let rows = sqlx::query(
            "SELECT COALESCE(rr_kept.part, '') AS part, COALESCE(rr_kept.state, '') AS state FROM rr_sessions \
             LEFT JOIN rr_kept ON rr_kept.session = rr_sessions.session \
             WHERE rr_sessions.session = $1 AND rr_sessions.worker = $2",
        )
        .bind(session.to_owned())
        .bind(worker.to_owned())
        .fetch_all(&self.pool)
        .await?;
        let mut kept = SessionState::default();
        for row in &rows {
            let part: String = row.try_get("part")?;
            match part.as_str() {
                DOCUMENT => kept.document = Some(row.try_get("state")?),
                VIEW => kept.view = Some(row.try_get("state")?),
                // Nothing was kept of it.
                _ => {}
            }
        }
        Ok((!rows.is_empty()).then_some(kept))
    }

    async fn end(&self, session: &str, since: Time) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let delete = "DELETE FROM rr_sessions WHERE session = $1 AND asked <= $2 AND watched <= $2 RETURNING worker";
        let row = sqlx::query(delete).bind(session.to_owned()).bind(big(since)).fetch_optional(&mut *tx).await?;
        if let Some(row) = &row {
            let worker: String = row.try_get("worker")?;
            self.give_back(&mut tx, &worker).await?;
            // A document may be as it was for days when everybody leaves.
            sqlx::query("UPDATE rr_kept SET at = $2 WHERE session = $1 AND at < $2")
                .bind(session.to_owned())
                .bind(big(since))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(row.is_some())
    }

    async fn publish(&self, replica: &str, message: &str, now: Time) -> Result<(), StoreError> {
        if self.postgres.is_none() {
            self.tell_local(Some(replica), &Event::Message(message.to_owned()));
            return Ok(());
        }
        // A notification holds 8,000 bytes and an offer may be longer: the text goes by a row, the notification says which.
        let id = hex::encode(rand::random::<[u8; 16]>());
        sqlx::query("INSERT INTO rr_relay (id, replica, message, at) VALUES ($1, $2, $3, $4)")
            .bind(id.clone())
            .bind(replica.to_owned())
            .bind(message.to_owned())
            .bind(big(now))
            .execute(&self.pool)
            .await?;
        self.notify(&channel(replica), &id).await
    }

    async fn changed(&self) -> Result<(), StoreError> {
        if self.postgres.is_none() {
            self.tell_local(None, &Event::Changed);
            return Ok(());
        }
        self.notify(CHANGED, "").await
    }

    async fn listen(&self, replica: &str) -> Result<mpsc::Receiver<Event>, StoreError> {
        let (tx, rx) = mpsc::channel(EVENT_QUEUE);
        let Some(url) = self.postgres.clone() else {
            self.local.lock().unwrap_or_else(PoisonError::into_inner).insert(replica.to_owned(), tx);
            return Ok(rx);
        };
        let own = channel(replica);
        let listener = open_listener(&url, &own).await?;
        tokio::spawn(pump(listener, url, own, self.pool.clone(), tx));
        Ok(rx)
    }

    async fn tidy(&self, now: Time, keep: Duration) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM rr_relay WHERE at < $1").bind(big(now - keep)).execute(&self.pool).await?;
        // A token is refused by its own date from then on.
        sqlx::query("DELETE FROM rr_joins WHERE expires < $1").bind(big(now - keep)).execute(&self.pool).await?;
        sqlx::query("DELETE FROM rr_revoked WHERE until < $1").bind(big(now)).execute(&self.pool).await?;
        let old = sqlx::query("DELETE FROM rr_kept WHERE at < $1 AND session NOT IN (SELECT session FROM rr_sessions)");
        old.bind(big(now - STATE_KEPT)).execute(&self.pool).await?;
        Ok(())
    }
}

async fn open_listener(url: &str, own: &str) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen_all([CHANGED, own]).await?;
    Ok(listener)
}

/// Carries notifications over, in order, for as long as somebody reads; a lost connection is opened again, and what was
/// missed meanwhile is "something has changed". Messages that were missed are lost: whoever waits for an answer asks again.
async fn pump(mut listener: PgListener, url: String, own: String, pool: AnyPool, tx: mpsc::Sender<Event>) {
    loop {
        let heard = tokio::select! {
            heard = listener.recv() => heard,
            () = tx.closed() => return,
        };
        let event = match heard {
            Ok(heard) if heard.channel() == CHANGED => Some(Event::Changed),
            Ok(heard) => {
                let taken = sqlx::query("DELETE FROM rr_relay WHERE id = $1 RETURNING message")
                    .bind(heard.payload().to_owned())
                    .fetch_optional(&pool)
                    .await;
                match taken {
                    Ok(row) => row.and_then(|row| row.try_get("message").ok()).map(Event::Message),
                    Err(error) => {
                        tracing::warn!(%error, "a message of another replica is lost");
                        None
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "no notifications from the database");
                listener = loop {
                    sleep(LISTEN_AGAIN).await;
                    match open_listener(&url, &own).await {
                        Ok(listener) => break listener,
                        Err(_) if tx.is_closed() => return,
                        Err(_) => {}
                    }
                };
                Some(Event::Changed)
            }
        };
        if let Some(event) = event
            && tx.send(event).await.is_err()
        {
            return;
        }
    }
}
