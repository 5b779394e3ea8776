//! Stands before moto: remembers requests, fails as told, and honours client tokens as EC2 does and moto does not
//! ("Ensuring idempotency in Amazon EC2 API requests").

use super::Moto;
use super::http::{Request, Response, Server, send};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

struct Fault {
    action: String,
    left: u32,
    /// `None`: carried out, but the answer is lost.
    response: Option<Response>,
}

#[derive(Default)]
struct Inner {
    seen: Vec<Request>,
    faults: Vec<Fault>,
    by_token: HashMap<String, (String, Response)>,
}

pub struct Front {
    server: Server,
    inner: Arc<Mutex<Inner>>,
    _moto: Arc<Moto>,
}

impl Front {
    pub fn start() -> Self {
        Self::before(Moto::shared())
    }

    pub fn before(moto: Arc<Moto>) -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let (shared, port) = (Arc::clone(&inner), moto.port);
        let server = Server::start(move |request| answer(&shared, port, request));
        Self { server, inner, _moto: moto }
    }

    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The next so many requests of that action fail. Returns what [`Front::heal`] takes.
    pub fn fail(&self, action: &str, times: u32, status: u16, code: &str, message: &str) -> usize {
        let body = format!(
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>\
             </Errors><RequestID>1</RequestID></Response>"
        );
        self.answer(action, times, Some(Response::new(status, body)))
    }

    /// The next request of that action is carried out, and its answer is lost.
    pub fn lose(&self, action: &str, times: u32) {
        self.answer(action, times, None);
    }

    pub fn answer(&self, action: &str, times: u32, response: Option<Response>) -> usize {
        let mut inner = self.inner.lock().unwrap();
        inner.faults.push(Fault { action: action.to_owned(), left: times, response });
        inner.faults.len() - 1
    }

    /// It fails no more.
    pub fn heal(&self, fault: usize) {
        self.inner.lock().unwrap().faults[fault].left = 0;
    }

    /// Requests of that action so far.
    pub fn seen(&self, action: &str) -> Vec<Request> {
        let inner = self.inner.lock().unwrap();
        inner.seen.iter().filter(|request| request.param("Action").as_deref() == Some(action)).cloned().collect()
    }
}

fn answer(inner: &Mutex<Inner>, port: u16, request: &Request) -> Option<Response> {
    let action = request.param("Action").unwrap_or_default();
    let mut lost = false;
    {
        let mut inner = inner.lock().unwrap();
        inner.seen.push(request.clone());
        if let Some(fault) = inner.faults.iter_mut().find(|fault| fault.action == action && fault.left > 0) {
            fault.left -= 1;
            match &fault.response {
                Some(response) => return Some(response.clone()),
                None => lost = true,
            }
        }
    }
    let token = request.param("ClientToken").filter(|_| action == "RunInstances");
    let what = without_token(&request.body);
    if let Some(token) = &token
        && let Some((asked, response)) = inner.lock().unwrap().by_token.get(token)
    {
        let other = "<Response><Errors><Error><Code>IdempotentParameterMismatch</Code><Message>other</Message>\
                     </Error></Errors></Response>";
        let response = if *asked == what { response.clone() } else { Response::new(400, other) };
        return (!lost).then_some(response);
    }
    let response = send(port, request)?;
    if let Some(token) = token.filter(|_| response.status == 200) {
        inner.lock().unwrap().by_token.insert(token, (what, response.clone()));
    }
    (!lost).then_some(response)
}

fn without_token(body: &str) -> String {
    body.split('&').filter(|pair| !pair.starts_with("ClientToken=")).collect::<Vec<_>>().join("&")
}
