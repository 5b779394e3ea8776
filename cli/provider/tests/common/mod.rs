//! A real emulator of AWS (moto), and small servers for what it lacks.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

pub mod front;
pub mod http;

use rr_provider::ec2::{Ec2, Ec2Options, Environment, Retries};
use rr_provider::{Provider, ProviderError};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The region of all tests.
pub const REGION: &str = "eu-central-1";

/// `moto_server` on a port of its own; ended with the last one that holds it.
pub struct Moto {
    child: Child,
    pub port: u16,
}

impl Moto {
    /// The one that is shared by the tests of this program.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let moto = Arc::new(Self::start(&[]));
            *shared = Arc::downgrade(&moto);
            moto
        })
    }

    pub fn start(variables: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = moto_server();
        let child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; tools/install.sh test installs it", program.display()));
        let moto = Self { child, port };
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "moto_server does not come up");
            std::thread::sleep(Duration::from_millis(100));
        }
        moto
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn moto_server() -> PathBuf {
    let installed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/moto/bin/moto_server");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/tools/moto/bin/moto_server");
    [installed, root].into_iter().find(|path| path.exists()).unwrap_or_else(|| "moto_server".into())
}

/// Who asks, for an emulator that takes everybody.
pub fn variables(endpoint: &str) -> [(&str, &str); 6] {
    [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/nonexistent"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
    ]
}

/// The same and more, as an environment.
pub fn environment(port: u16, more: &[(&str, &str)]) -> Environment {
    variables(&format!("http://127.0.0.1:{port}")).iter().chain(more).copied().collect()
}

/// An image that moto knows.
pub const IMAGE_PARAMETER: &str = "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2";

pub fn options(fleet: &str) -> Ec2Options {
    Ec2Options {
        fleet: fleet.to_owned(),
        region: Some(REGION.to_owned()),
        profile: None,
        instance_type: "g5.xlarge".to_owned(),
        image: None,
        image_parameter: Some(IMAGE_PARAMETER.to_owned()),
        subnets: Vec::new(),
        security_groups: Vec::new(),
        allow: vec!["203.0.113.0/24".to_owned(), "2001:db8::/32".to_owned()],
        port: 8443,
        sessions: 1,
        instance_profile: Some("rr-worker".to_owned()),
        key_name: None,
        volume_gib: 60,
        kms_key: None,
        max_price: None,
        on_demand_price: rr_fleet::Money::dollars(1.0),
        spot_price: rr_fleet::Money::dollars(0.4),
        command: "/usr/bin/rrhost".to_owned(),
        args: Vec::new(),
        env: Vec::new(),
        install: Vec::new(),
        gateway: None,
    }
}

/// Fails soon, so that tests need not wait.
pub fn retries() -> Retries {
    Retries { attempts: 4, first: Duration::from_millis(5), longest: Duration::from_millis(20) }
}

pub fn ec2(port: u16, options: Ec2Options) -> Result<Ec2, ProviderError> {
    Ec2::open(options, environment(port, &[]), retries())
}

pub fn boxed(provider: impl Provider + 'static) -> Box<dyn Provider> {
    Box::new(provider)
}
