//! Who asks: keys, looked for where and in the order that the AWS CLI does.

use super::environment::{Environment, Profiles};
use super::imds::Imds;
use super::sign::Keys;
use super::wire::{Params, Wire};
use super::{date, xml::Node};
use crate::http::Http;
use crate::{Kind, ProviderError};
use rr_fleet::Time;
use serde::Deserialize;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Keys are renewed so long before they expire.
const EARLY: Duration = Duration::from_secs(300);
/// Profiles that name each other as their source.
const MOST_SOURCES: usize = 5;
const WHAT: &str = "no AWS credentials";
const STS_VERSION: &str = "2011-06-15";

/// Finds keys, and finds them again when they expire.
#[derive(Debug)]
pub(super) struct Credentials {
    environment: Environment,
    profiles: Profiles,
    /// Chosen by flag or file; variables with keys do not count then.
    chosen: Option<String>,
    held: Mutex<Option<Found>>,
}

/// Keys and where they were.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub keys: Keys,
    pub from: String,
}

impl Credentials {
    pub fn new(environment: Environment, profiles: Profiles, chosen: Option<String>) -> Self {
        Self { environment, profiles, chosen, held: Mutex::default() }
    }

    /// Keys that are good for some minutes more.
    pub fn keys(&self, wire: &Wire) -> Result<Found, ProviderError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Time::from(SystemTime::now());
        let good = |found: &Found| found.keys.expires.is_none_or(|at| now + EARLY < at);
        if let Some(found) = held.as_ref().filter(|found| good(found)) {
            return Ok(found.clone());
        }
        let found = self.find(wire)?;
        if found.keys.expires.is_some_and(|at| at <= now) {
            let said = format!("the credentials from {} have expired", found.from);
            let advice = "get new ones, as by aws sso login or aws configure, and call again";
            return Err(ProviderError::new(Kind::Credentials, WHAT, said, advice));
        }
        *held = Some(found.clone());
        Ok(found)
    }

    fn find(&self, wire: &Wire) -> Result<Found, ProviderError> {
        let environment = &self.environment;
        if self.chosen.is_none() {
            if let (Some(access), Some(secret)) =
                (environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY"))
            {
                let session = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
                let keys = Keys { access: access.into(), secret: secret.into(), session, expires: None };
                return Ok(Found { keys, from: "the environment".to_owned() });
            }
            if let (Some(file), Some(role)) =
                (environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"), environment.get("AWS_ROLE_ARN"))
            {
                let session = environment.get("AWS_ROLE_SESSION_NAME");
                return web_identity(wire, file, role, session);
            }
        }
        let named = self.chosen.as_deref().or_else(|| environment.get("AWS_PROFILE"));
        let named = named.or_else(|| environment.get("AWS_DEFAULT_PROFILE"));
        let profile = named.unwrap_or("default");
        if self.profiles.has(profile) {
            if let Some(found) = self.of_profile(wire, profile, MOST_SOURCES)? {
                return Ok(found);
            }
        } else if let Some(named) = named {
            let said = format!("there is no profile \"{named}\"");
            let advice = "aws configure list-profiles shows which there are";
            return Err(ProviderError::new(Kind::Credentials, WHAT, said, advice));
        }
        self.of_container(wire.http()).or_else(|| self.of_machine(wire.http())).ok_or_else(|| {
            let said = "neither the environment nor a profile nor a role of this machine has any";
            let advice = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or call aws configure";
            ProviderError::new(Kind::Credentials, WHAT, said, advice)
        })
    }

    fn of_profile(&self, wire: &Wire, name: &str, depth: usize) -> Result<Option<Found>, ProviderError> {
        let get = |key: &str| self.profiles.get(name, key);
        let wrong = |said: String, advice: &str| ProviderError::new(Kind::Credentials, WHAT, said, advice);
        let fixed = || {
            let (access, secret) = (get("aws_access_key_id")?, get("aws_secret_access_key")?);
            let session = get("aws_session_token").map(str::to_owned);
            let keys = Keys { access: access.into(), secret: secret.into(), session, expires: None };
            Some(Found { keys, from: format!("profile {name}") })
        };
        if let Some(role) = get("role_arn") {
            let session = get("role_session_name");
            if let Some(file) = get("web_identity_token_file") {
                return web_identity(wire, file, role, session).map(Some);
            }
            if let Some(device) = get("mfa_serial") {
                let said = format!("profile {name} asks for a code of {device}");
                return Err(wrong(said, "use aws sts get-session-token, and set what it prints in the environment"));
            }
            let source = match (get("source_profile"), get("credential_source")) {
                (Some(source), _) if source == name => fixed(),
                (Some(_), _) if depth == 0 => {
                    return Err(wrong(format!("profile {name} has too many sources"), "do they name each other?"));
                }
                (Some(source), _) => self.of_profile(wire, source, depth - 1)?,
                (None, Some("Environment")) => {
                    let (env, session) = (&self.environment, self.environment.get("AWS_SESSION_TOKEN"));
                    env.get("AWS_ACCESS_KEY_ID").zip(env.get("AWS_SECRET_ACCESS_KEY")).map(|(access, secret)| Found {
                        keys: Keys {
                            access: access.into(),
                            secret: secret.into(),
                            session: session.map(str::to_owned),
                            expires: None,
                        },
                        from: "the environment".to_owned(),
                    })
                }
                (None, Some("Ec2InstanceMetadata")) => self.of_machine(wire.http()),
                (None, Some("EcsContainer")) => self.of_container(wire.http()),
                (None, _) => fixed(),
            };
            let source = source.ok_or_else(|| {
                let said = format!("profile {name} has a role and no keys to take it with");
                wrong(said, "set source_profile or credential_source in ~/.aws/config")
            })?;
            let mut params = Params::default();
            params.add("RoleArn", role);
            params.add("RoleSessionName", session.unwrap_or("rrctl"));
            if let Some(id) = get("external_id") {
                params.add("ExternalId", id);
            }
            let answer = wire.query(
                "sts",
                STS_VERSION,
                "AssumeRole",
                &params,
                Some(&source.keys),
                &format!("cannot take the role {role}"),
            )?;
            return of_sts(&answer, format!("role {role}")).map(Some);
        }
        if let Some(found) = fixed() {
            return Ok(Some(found));
        }
        if let Some(command) = get("credential_process") {
            return of_process(command).map(Some);
        }
        if get("sso_start_url").is_some() || get("sso_session").is_some() {
            let said = format!("profile {name} signs in by SSO, which is the AWS CLI's affair");
            let advice = format!(
                "call aws sso login, and set credential_process = aws configure export-credentials --profile {name} \
                 in another profile"
            );
            return Err(ProviderError::new(Kind::Credentials, WHAT, said, advice));
        }
        Ok(None)
    }

    fn of_container(&self, http: &Http) -> Option<Found> {
        let env = &self.environment;
        let url = match env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            Some(path) => format!("http://169.254.170.2{path}"),
            None => env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")?.to_owned(),
        };
        let token = env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned).or_else(|| {
            let file = env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")?;
            Some(std::fs::read_to_string(file).ok()?.trim().to_owned())
        });
        let headers: Vec<_> = token.map(|token| ("authorization", token)).into_iter().collect();
        let answer = http.direct("GET", &url, &headers, Duration::from_secs(2)).ok()?;
        Some(Found { keys: of_json(&answer.body)?, from: "this container's role".to_owned() })
    }

    fn of_machine(&self, http: &Http) -> Option<Found> {
        let imds = Imds::of(&self.environment, http)?;
        let role = imds.get("iam/security-credentials/").ok()?;
        let role = role.lines().next()?.trim();
        let keys = of_json(&imds.get(&format!("iam/security-credentials/{role}")).ok()?)?;
        Some(Found { keys, from: format!("this machine's role {role}") })
    }
}

/// Keys as metadata services and processes give them.
fn of_json(text: &str) -> Option<Keys> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Given {
        access_key_id: String,
        secret_access_key: String,
        #[serde(alias = "SessionToken")]
        token: Option<String>,
        expiration: Option<String>,
    }
    let given: Given = serde_json::from_str(text).ok()?;
    Some(Keys {
        access: given.access_key_id,
        secret: given.secret_access_key,
        session: given.token,
        // A date that cannot be read is taken for one that has passed, rather than for none.
        expires: given.expiration.map(|text| date::parse(&text).unwrap_or_default()),
    })
}

fn of_process(command: &str) -> Result<Found, ProviderError> {
    let wrong = |said: String| {
        ProviderError::new(Kind::Credentials, WHAT, said, "call the profile's credential_process by hand and look")
    };
    let output = Command::new("sh").args(["-c", command]).output().map_err(|error| wrong(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
        return Err(wrong(format!("credential_process ended with {}: {said}", output.status)));
    }
    let keys = of_json(&String::from_utf8_lossy(&output.stdout));
    let keys = keys.ok_or_else(|| wrong("credential_process printed no credentials".to_owned()))?;
    Ok(Found { keys, from: "credential_process".to_owned() })
}

fn web_identity(wire: &Wire, file: &str, role: &str, session: Option<&str>) -> Result<Found, ProviderError> {
    let token = std::fs::read_to_string(file).map_err(|error| {
        let said = format!("{file}: {error}");
        ProviderError::new(Kind::Credentials, WHAT, said, "check AWS_WEB_IDENTITY_TOKEN_FILE")
    })?;
    let mut params = Params::default();
    params.add("RoleArn", role);
    params.add("RoleSessionName", session.unwrap_or("rrctl"));
    params.add("WebIdentityToken", token.trim());
    let what = format!("cannot take the role {role}");
    let answer = wire.query("sts", STS_VERSION, "AssumeRoleWithWebIdentity", &params, None, &what)?;
    of_sts(&answer, format!("role {role}"))
}

fn of_sts(answer: &Node, from: String) -> Result<Found, ProviderError> {
    let given = answer.find("Credentials");
    let text = |name: &str| given.and_then(|node| node.at(name)).map(str::to_owned);
    let (Some(access), Some(secret)) = (text("AccessKeyId"), text("SecretAccessKey")) else {
        return Err(ProviderError::new(Kind::Credentials, WHAT, format!("STS gives none for {from}"), ""));
    };
    let expires = text("Expiration").map(|text| date::parse(&text).unwrap_or_default());
    Ok(Found { keys: Keys { access, secret, session: text("SessionToken"), expires }, from })
}

/// Who the keys belong to, as `arn:aws:iam::123456789012:user/anna`.
pub(super) fn identity(wire: &Wire, keys: &Keys) -> Result<String, ProviderError> {
    let what = "AWS does not know these credentials";
    let answer = wire.query("sts", STS_VERSION, "GetCallerIdentity", &Params::default(), Some(keys), what)?;
    Ok(answer.find("Arn").map(|node| node.text.clone()).unwrap_or_default())
}
