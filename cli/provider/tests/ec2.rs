//! The client of EC2 against a real emulator (moto), and against servers that fail as EC2 does and moto does not.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::front::Front;
use common::http::{Request, Response, Server, decode, send};
use common::{IMAGE_PARAMETER, Moto, REGION, ec2, environment, options, retries};
use rr_fleet::{CreateFailure, MachineState, Market, Money, Token};
use rr_provider::ec2::{Ec2, Ec2Options, Environment};
use rr_provider::{Kind, Order, Provider, WorkerHint};
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};

fn order(token: &str, market: Market, place: u32) -> Order {
    Order { token: Token(token.to_owned()), market, place, join: "a-secret-that-is-good-once".to_owned() }
}

/// All parameters of a request.
fn params(request: &Request) -> BTreeMap<String, String> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decode(name), decode(value)));
    request.body.split('&').filter_map(pair).collect()
}

/// Asks moto itself, unsigned, which it takes.
fn raw(port: u16, body: &str) -> String {
    let host = format!("ec2.{REGION}.amazonaws.com");
    // moto reads the region from the signature's scope.
    let scope = format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/{REGION}/ec2/aws4_request, Signature=0");
    let headers =
        [("host", host.as_str()), ("authorization", &scope), ("content-type", "application/x-www-form-urlencoded")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let body = format!("{body}&Version=2016-11-15");
    let request = Request { method: "POST".into(), path: "/".into(), headers, body };
    send(port, &request).unwrap().body
}

#[test]
fn machines_are_made_as_they_should_be() {
    let front = Front::start();
    let wanted = Ec2Options {
        max_price: Money::dollars(0.75),
        install: vec!["apt-get install -y remote-render".to_owned()],
        gateway: Some("https://gate.example".to_owned()),
        sessions: 3,
        kms_key: Some("alias/rr".to_owned()),
        ..options("as-wanted")
    };
    let provider = ec2(front.port(), wanted.clone()).unwrap();
    let places = provider.capabilities().unwrap().places;
    assert!(places.len() >= 2 && places[0].contains("eu-central-1a"), "{places:?}");
    let made = provider.prepare(false).unwrap();
    assert!(made.iter().any(|line| line.contains("IMDSv2 only") && line.contains("encrypted gp3")), "{made:?}");
    assert_eq!(made.iter().filter(|line| line.starts_with("open")).count(), 4, "{made:?}");
    let machine = provider.create(&order("t1t1t1t1", Market::Spot, 1)).unwrap();

    // What moto has now, without our client.
    let group =
        raw(front.port(), "Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1=rr-as-wanted");
    for part in ["<fromPort>8443</fromPort>", "<toPort>8445</toPort>", "203.0.113.0/24", "2001:db8::/32", "udp", "tcp"]
    {
        assert!(group.contains(part), "{part} is not in {group}");
    }
    assert!(!group.contains("<fromPort>22</fromPort>") && group.matches("<fromPort>").count() == 2, "{group}");
    let of_template = "Action=DescribeLaunchTemplateVersions&LaunchTemplateName=rr-as-wanted";
    let template = raw(front.port(), of_template);
    for part in [
        "<httpTokens>required</httpTokens>",
        "<volumeType>gp3</volumeType>",
        "<encrypted>true</encrypted>",
        "<name>rr-worker</name>",
        "<instanceType>g5.xlarge</instanceType>",
    ] {
        assert!(template.contains(part), "{part} is not in {template}");
    }
    let instance = raw(front.port(), &format!("Action=DescribeInstances&InstanceId.1={machine}"));
    for part in ["as-wanted", "t1t1t1t1", "eu-central-1b", "<instanceLifecycle>spot</instanceLifecycle>", "g5.xlarge"] {
        assert!(instance.contains(part), "{part} is not in {instance}");
    }

    let run = params(&front.seen("RunInstances")[0]);
    assert_eq!(run["ClientToken"], "t1t1t1t1");
    assert_eq!(run["InstanceMarketOptions.SpotOptions.MaxPrice"], "0.750000");
    assert_eq!(run["TagSpecification.2.ResourceType"], "volume");
    let of = format!("Action=DescribeInstanceAttribute&InstanceId={machine}&Attribute=userData");
    let answer = raw(front.port(), &of);
    let packed = answer.split("<value>").nth(1).unwrap().split("</value>").next().unwrap();
    let user_data = String::from_utf8(STANDARD.decode(packed.trim()).unwrap()).unwrap();
    let config: serde_json::Value = serde_json::from_str(user_data.strip_prefix("#cloud-config\n").unwrap()).unwrap();
    let file = |path: &str| {
        let files = config["write_files"].as_array().unwrap();
        files.iter().find(|file| file["path"] == path).unwrap().clone()
    };
    let join = file("/etc/remote-render/join-token");
    assert_eq!((&join["content"], &join["permissions"]), (&"a-secret-that-is-good-once".into(), &"0600".into()));
    let env = file("/etc/remote-render/worker.env");
    assert!(env["content"].as_str().unwrap().contains("RR_GATEWAY=https://gate.example\n"), "{env}");
    for line in ["RR_SPOT_NOTICES=true\n", "RRHOST_SESSIONS=3\n"] {
        assert!(env["content"].as_str().unwrap().contains(line), "{line} is not in {env}");
    }
    assert_eq!(config["runcmd"][0], "apt-get install -y remote-render");
    assert_eq!(config["runcmd"].as_array().unwrap().last().unwrap()[1], "enable");

    // Other wishes are a new version, and the same ones none.
    let larger = ec2(front.port(), Ec2Options { instance_type: "g5.2xlarge".to_owned(), ..wanted.clone() }).unwrap();
    let changes = larger.prepare(false).unwrap();
    assert!(changes.len() == 1 && changes[0].starts_with("new version"), "{changes:?}");
    let second = larger.create(&order("t2t2t2t2", Market::OnDemand, 0)).unwrap();
    let kinds: BTreeMap<_, _> =
        provider.list().unwrap().into_iter().map(|listed| (listed.machine.id, listed.kind)).collect();
    assert_eq!((kinds[&machine].as_str(), kinds[&second].as_str()), ("g5.xlarge", "g5.2xlarge"));
    // A network that may not come in any more is shut out.
    let narrower = Ec2Options { allow: vec!["203.0.113.0/24".to_owned()], ..wanted };
    let changes = ec2(front.port(), narrower).unwrap().prepare(false).unwrap();
    assert_eq!(changes.iter().filter(|line| line.starts_with("close")).count(), 2, "{changes:?}");
    for machine in [machine, second] {
        provider.terminate(&machine).unwrap();
    }
    assert_eq!(provider.release().unwrap().len(), 2);
}

/// systemd and the shell read what is sent to machines.
#[test]
fn a_machine_can_read_its_user_data() {
    let front = Front::start();
    let odd = Ec2Options {
        command: "/bin/true".to_owned(),
        args: vec!["--name".to_owned(), "50% of \"it\" $HOME".to_owned()],
        ..options("user-data")
    };
    ec2(front.port(), odd).unwrap().create(&order("u1u1u1u1", Market::OnDemand, 0)).unwrap();
    let packed = front.seen("RunInstances")[0].param("UserData").unwrap();
    let text = String::from_utf8(STANDARD.decode(packed).unwrap()).unwrap();
    let config: serde_json::Value = serde_json::from_str(text.strip_prefix("#cloud-config\n").unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in config["write_files"].as_array().unwrap() {
        let name = file["path"].as_str().unwrap().rsplit('/').next().unwrap();
        std::fs::write(folder.path().join(name), file["content"].as_str().unwrap()).unwrap();
    }
    let unit = folder.path().join("remote-render-worker.service");
    let verified = Command::new("systemd-analyze").arg("verify").arg(&unit).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    // The address script is not installed on this machine, which is all that it may miss.
    let ours = said
        .lines()
        .filter(|line| line.contains("remote-render-worker") && !line.contains("lib/remote-render/address"));
    assert_eq!(ours.collect::<Vec<_>>(), [""; 0], "{said}");
    assert!(std::fs::read_to_string(unit).unwrap().contains(r#"--name "50%% of \"it\" $$HOME""#));

    // The script finds the public address, or leaves browsers to the private one.
    let (imds, _) = metadata("203.0.113.7");
    let out = folder.path().join("address.env");
    let run = |port: u16| {
        let ran = Command::new("sh")
            .arg(folder.path().join("address"))
            .arg(&out)
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://127.0.0.1:{port}"))
            .output()
            .unwrap();
        (ran.status.success(), std::fs::read_to_string(&out).unwrap_or_default())
    };
    assert_eq!(run(imds.port), (true, "RRHOST_ADVERTISE=203.0.113.7\n".to_owned()));
    let (imds, _) = metadata("");
    assert_eq!(run(imds.port), (true, String::new()));
}

#[test]
fn each_kind_of_error_is_told_with_what_to_do() {
    let front = Front::start();
    let provider = ec2(front.port(), options("errors")).unwrap();
    provider.prepare(false).unwrap();
    let create = || provider.create(&order("e1e1e1e1", Market::OnDemand, 0)).unwrap_err();
    for (code, status, kind, failure, advice) in [
        ("InsufficientInstanceCapacity", 500, Kind::Capacity, Some(CreateFailure::Capacity), "more zones"),
        ("VcpuLimitExceeded", 400, Kind::Quota, Some(CreateFailure::Quota), "Service Quotas"),
        ("MaxSpotInstanceCountExceeded", 400, Kind::Quota, Some(CreateFailure::Quota), "Service Quotas"),
        ("UnauthorizedOperation", 403, Kind::Permission, Some(CreateFailure::Refused), "administrator"),
        ("ExpiredToken", 400, Kind::Credentials, Some(CreateFailure::Refused), "new credentials"),
        ("AuthFailure", 401, Kind::Credentials, Some(CreateFailure::Refused), "get-caller-identity"),
        ("RequestExpired", 400, Kind::Credentials, Some(CreateFailure::Refused), "clock"),
        ("InvalidParameterValue", 400, Kind::Other, Some(CreateFailure::Refused), ""),
        ("IdempotentParameterMismatch", 400, Kind::Network, None, "not known"),
    ] {
        let before = front.seen("RunInstances").len();
        front.fail("RunInstances", 1, status, code, "So it is.");
        let error = create();
        assert_eq!((error.kind, error.create_failure()), (kind, failure), "{error}");
        let text = error.to_string();
        assert!(text.contains(code) && text.contains("So it is") && text.contains(advice), "{text}");
        assert_eq!(front.seen("RunInstances").len(), before + 1, "{code} was tried again");
    }
    let all: Vec<_> = provider.list().unwrap();
    assert!(all.is_empty(), "{all:?}");
}

#[test]
fn throttling_and_lost_answers_are_survived_and_make_nothing_twice() {
    let front = Front::start();
    let provider = ec2(front.port(), options("retries")).unwrap();
    provider.prepare(false).unwrap();
    // Three times of four.
    front.fail("RunInstances", 2, 503, "RequestLimitExceeded", "Request limit exceeded.");
    front.fail("RunInstances", 1, 500, "InternalError", "An internal error has occurred");
    let first = provider.create(&order("r1r1r1r1", Market::OnDemand, 0)).unwrap();
    assert_eq!(front.seen("RunInstances").len(), 4);
    // Made, and the answer is lost.
    front.lose("RunInstances", 2);
    let second = provider.create(&order("r2r2r2r2", Market::OnDemand, 0)).unwrap();
    assert_eq!(provider.list().unwrap().len(), 2);
    // For good: it stays open whether there is a machine, and asking again later finds out.
    front.lose("RunInstances", 4);
    let error = provider.create(&order("r3r3r3r3", Market::OnDemand, 0)).unwrap_err();
    assert_eq!((error.kind, error.create_failure()), (Kind::Network, None), "{error}");
    assert_eq!(provider.list().unwrap().len(), 3, "it was made all the same");
    let third = provider.create(&order("r3r3r3r3", Market::OnDemand, 0)).unwrap();
    assert_eq!(provider.list().unwrap().len(), 3);
    // Too much for any patience.
    front.fail("DescribeInstances", 4, 503, "RequestLimitExceeded", "Request limit exceeded.");
    let error = provider.list().unwrap_err();
    assert!(error.kind == Kind::Throttled && error.to_string().contains("wait a minute"), "{error}");
    for machine in [first, second, third] {
        provider.terminate(&machine).unwrap();
    }
}

#[test]
fn broken_answers_are_no_empty_lists() {
    let front = Front::start();
    let provider = ec2(front.port(), options("broken")).unwrap();
    provider.capabilities().unwrap();
    for body in ["", "<html><body>Sign in to the hotel's network</body>", "<a", "no"] {
        front.answer("DescribeInstances", 1, Some(Response::new(200, body)));
        let error = provider.list().unwrap_err();
        assert_eq!(error.kind, Kind::Network, "{body}: {error}");
    }
    drop(front);
    let nobody = ec2(9, options("nobody")).unwrap().list().unwrap_err();
    assert!(nobody.kind == Kind::Network && nobody.to_string().contains("check the network"), "{nobody}");
}

/// Two pages, an impaired machine, a stopped one, and one that the spot market takes back: what moto never has.
#[test]
fn lists_are_read_to_their_end_with_health_and_notices() {
    let item = |id: &str, state: &str, spot: &str| {
        format!(
            "<item><instancesSet><item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>\
             {spot}<subnetId>subnet-b</subnetId><launchTime>2026-11-22T10:00:00.000Z</launchTime><tagSet><item>\
             <key>rr-token</key><value>t-{id}</value></item></tagSet></item></instancesSet></item>"
        )
    };
    let spot = "<instanceLifecycle>spot</instanceLifecycle>";
    let first = format!(
        "<R><reservationSet>{}{}</reservationSet><nextToken>more</nextToken></R>",
        item("i-1", "running", ""),
        item("i-2", "stopped", "")
    );
    let second = format!("<R><reservationSet>{}</reservationSet></R>", item("i-3", "running", spot));
    let server = Server::start(move |request| {
        let body = match (request.param("Action").unwrap().as_str(), request.param("NextToken")) {
            ("DescribeInstances", None) => first.clone(),
            ("DescribeInstances", Some(_)) => second.clone(),
            ("DescribeInstanceStatus", _) => "<R><instanceStatusSet><item><instanceId>i-1</instanceId><systemStatus>\
                 <status>impaired</status></systemStatus></item></instanceStatusSet></R>"
                .to_owned(),
            ("DescribeSpotInstanceRequests", _) => {
                "<R><spotInstanceRequestSet><item><instanceId>i-3</instanceId><status>\
                 <code>marked-for-termination</code><updateTime>2026-11-22T12:00:00.000Z</updateTime></status></item>\
                 <item><status><code>fulfilled</code></status></item></spotInstanceRequestSet></R>"
                    .to_owned()
            }
            ("DescribeSubnets", _) => "<R><subnetSet><item><subnetId>subnet-a</subnetId><vpcId>v</vpcId></item><item>\
                 <subnetId>subnet-b</subnetId><vpcId>v</vpcId></item></subnetSet></R>"
                .to_owned(),
            (action, _) => panic!("{action}"),
        };
        Some(Response::new(200, body))
    });
    let listed = ec2(server.port, options("pages")).unwrap().list().unwrap();
    let seen: Vec<_> = listed.iter().map(|l| (l.machine.token.0.as_str(), l.machine.state, &l.worker)).collect();
    assert_eq!(
        seen,
        [
            ("t-i-1", MachineState::Running, &WorkerHint::Unknown),
            ("t-i-2", MachineState::Pending, &WorkerHint::Unknown),
            ("t-i-3", MachineState::Running, &WorkerHint::Runs),
        ]
    );
    assert_eq!((listed[2].machine.market, listed[2].machine.place), (Market::Spot, 1));
    assert_eq!(listed[2].notice.unwrap().since(listed[2].machine.launched).as_secs(), 2 * 3_600 + 120);
    assert_eq!((listed[0].notice, listed[1].notice), (None, None));
}

/// moto checks signatures with botocore's code when it is told to.
#[test]
fn signatures_are_right_and_wrong_ones_are_noticed() {
    let moto = Arc::new(Moto::start(&[("INITIAL_NO_AUTH_ACTION_COUNT", "3")]));
    let iam = |body: &str| {
        let headers = [
            ("host", "iam.amazonaws.com"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, Signature=0"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let body = format!("{body}&Version=2010-05-08");
        send(moto.port, &Request { method: "POST".into(), path: "/".into(), headers, body }).unwrap().body
    };
    iam("Action=CreateUser&UserName=anna");
    let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
                  %22Action%22%3A%22ec2%3ADescribe%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";
    iam(&format!("Action=PutUserPolicy&UserName=anna&PolicyName=p&PolicyDocument={policy}"));
    let key = iam("Action=CreateAccessKey&UserName=anna");
    let text = |name: &str| {
        let from = key.split(&format!("<{name}>")).nth(1).unwrap_or_else(|| panic!("{key}"));
        from.split('<').next().unwrap().to_owned()
    };
    let (access, secret) = (text("AccessKeyId"), text("SecretAccessKey"));
    let open = |access: &str, secret: &str| {
        let variables = [("AWS_ACCESS_KEY_ID", access), ("AWS_SECRET_ACCESS_KEY", secret)];
        Ec2::open(options("signed"), environment(moto.port, &variables), retries()).unwrap()
    };
    assert!(open(&access, &secret).list().unwrap().is_empty());
    let wrong = open(&access, "wrong").list().unwrap_err();
    assert_eq!(wrong.kind, Kind::Credentials, "{wrong}");
    let unknown = open("AKIAUNKNOWN", &secret).list().unwrap_err();
    assert_eq!(unknown.kind, Kind::Credentials, "{unknown}");
    // What the policy does not allow.
    let denied = open(&access, &secret).terminate(&rr_fleet::MachineId("i-1".into())).unwrap_err();
    assert!(denied.kind == Kind::Permission && denied.advice.contains("administrator"), "{denied}");
}

/// The instance metadata service, version 2: without a token it says nothing.
fn metadata(address: &str) -> (Server, Arc<Mutex<u32>>) {
    let (address, asked) = (address.to_owned(), Arc::new(Mutex::new(0)));
    let count = Arc::clone(&asked);
    let server = Server::start(move |request| {
        if request.method == "PUT" && request.path == "/latest/api/token" {
            let ttl = request.header("x-aws-ec2-metadata-token-ttl-seconds");
            return Some(Response::new(if ttl.is_some() { 200 } else { 400 }, "a-token"));
        }
        if request.header("x-aws-ec2-metadata-token") != Some("a-token") {
            return Some(Response::new(401, ""));
        }
        let (status, body) = match request.path.trim_start_matches("/latest/meta-data/") {
            "public-ipv4" if address.is_empty() => (404, String::new()),
            "public-ipv4" => (200, address.clone()),
            "placement/region" => (200, REGION.to_owned()),
            "iam/security-credentials/" => (200, "rr-operator".to_owned()),
            "iam/security-credentials/rr-operator" => {
                *count.lock().unwrap() += 1;
                let keys = r#"{"AccessKeyId":"ASIAROLE","SecretAccessKey":"s","Token":"session","Expiration":"2999-01-01T00:00:00Z"}"#;
                (200, keys.to_owned())
            }
            _ => (404, String::new()),
        };
        Some(Response::new(status, body))
    });
    (server, asked)
}

#[test]
fn credentials_region_and_endpoint_are_found_as_the_aws_cli_finds_them() {
    let front = Front::start();
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("http://127.0.0.1:{}", front.port());
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let credentials = write("credentials", "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n");
    let process = r#"echo '{"Version":1,"AccessKeyId":"ASIAPROCESS","SecretAccessKey":"s","SessionToken":"t"}'"#;
    let old = process.replace("\"t\"", "\"t\",\"Expiration\":\"2020-01-01T00:00:00Z\"");
    let config = write(
        "config",
        &format!(
            "[default]\nregion = {REGION}\nendpoint_url = {endpoint}\n\
             [profile role]\nrole_arn = arn:aws:iam::123456789012:role/rr\nsource_profile = default\n\
             region = {REGION}\nservices = here\n[services here]\nec2 =\n  endpoint_url = {endpoint}\n\
             sts =\n  endpoint_url = {endpoint}\nssm =\n  endpoint_url = {endpoint}\n\
             [profile process]\ncredential_process = {process}\nregion = {REGION}\nendpoint_url = {endpoint}\n\
             [profile old]\ncredential_process = {old}\nregion = {REGION}\nendpoint_url = {endpoint}\n\
             [profile sso]\nsso_session = x\nregion = {REGION}\n"
        ),
    );
    let (imds, asked) = metadata("");
    let imds_url = format!("http://127.0.0.1:{}", imds.port);
    let files = [("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()), ("AWS_CONFIG_FILE", config.as_str())];
    let without = [("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"), ("AWS_CONFIG_FILE", "/nonexistent")];
    let metadata = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds_url.as_str())];
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s")];
    let open = |profile: Option<&str>, region: Option<&str>, variables: &[&[(&str, &str)]]| {
        let environment: Environment = variables.iter().flat_map(|some| some.iter().copied()).collect();
        let options =
            Ec2Options { profile: profile.map(str::to_owned), region: region.map(str::to_owned), ..options("who") };
        Ec2::open(options, environment, retries())
    };
    let list = "DescribeInstances";
    let last = |header: &str| front.seen(list).last().unwrap().header(header).unwrap_or_default().to_owned();
    let who = || last("authorization").split('/').next().unwrap().rsplit('=').next().unwrap().to_owned();

    open(None, None, &[&files]).unwrap().list().unwrap();
    assert_eq!(who(), "AKIAFILE");
    assert!(last("authorization").contains(&format!("/{REGION}/ec2/")), "{}", last("authorization"));
    open(None, None, &[&files, &keys]).unwrap().list().unwrap();
    assert_eq!(who(), "AKIAENV", "the environment comes before files");
    open(Some("process"), None, &[&files, &keys]).unwrap().list().unwrap();
    assert_eq!((who().as_str(), last("x-amz-security-token").as_str()), ("ASIAPROCESS", "t"));
    open(None, None, &[&files, &[("AWS_PROFILE", "role")]]).unwrap().list().unwrap();
    let assumed = &front.seen("AssumeRole")[0];
    assert!(assumed.header("authorization").unwrap().contains("AKIAFILE") && who().starts_with("ASIA"), "{}", who());
    // A machine's role, asked for once.
    let on_machine = [("AWS_ENDPOINT_URL", endpoint.as_str())];
    let provider = open(None, None, &[&without, &metadata, &on_machine]).unwrap();
    assert_eq!(provider.region(), REGION);
    provider.list().unwrap();
    provider.list().unwrap();
    assert_eq!((who().as_str(), last("x-amz-security-token").as_str()), ("ASIAROLE", "session"));
    assert_eq!(*asked.lock().unwrap(), 1);

    let nothing = [("AWS_EC2_METADATA_DISABLED", "true")];
    let error = |opened: Result<Ec2, _>| opened.and_then(|provider| provider.list()).unwrap_err();
    let none = error(open(None, Some(REGION), &[&without, &nothing]));
    assert!(none.kind == Kind::Credentials && none.to_string().contains("aws configure"), "{none}");
    let region = error(open(None, None, &[&without, &nothing]));
    assert!(region.to_string().contains("--region"), "{region}");
    let region = error(open(None, Some("moonbase"), &[&without, &keys]));
    assert!(region.to_string().contains("\"moonbase\" is no region"), "{region}");
    for (profile, says) in [("nobody", "no profile"), ("sso", "aws sso login"), ("old", "have expired")] {
        let error = error(open(Some(profile), Some(REGION), &[&files]));
        assert!(error.kind == Kind::Credentials && error.to_string().contains(says), "{error}");
    }
    write("config", "[default]\nregion eu\n");
    let damaged = error(open(None, None, &[&files]));
    assert!(damaged.to_string().contains("line 2"), "{damaged}");
}

#[test]
fn images_and_subnets_that_are_not_there_are_named() {
    let front = Front::start();
    let with = |change: &dyn Fn(&mut Ec2Options)| {
        let mut options = options("missing");
        change(&mut options);
        ec2(front.port(), options).unwrap().prepare(true)
    };
    let says = |change: &dyn Fn(&mut Ec2Options), parts: &[&str]| {
        let error = with(change).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{parts:?} is not in {error}");
    };
    says(&|o| o.image_parameter = None, &["none is named", "image_parameter"]);
    says(&|o| o.image_parameter = Some("/no/such".into()), &["image", "image_parameter"]);
    says(&|o| o.image = Some("ami-00000000000000000".into()), &["ami-00000000000000000", "set image"]);
    says(&|o| o.subnets = vec!["subnet-00000000".into()], &["subnet-00000000", "set subnets"]);
    says(&|o| o.allow = Vec::new(), &["allow"]);
    assert!(with(&|o| o.image_parameter = Some(IMAGE_PARAMETER.into())).is_ok());
    let dear = Ec2Options { on_demand_price: None, ..options("missing") };
    let error = ec2(front.port(), dear).unwrap().prices().unwrap_err().to_string();
    assert!(error.contains("[prices.\"g5.xlarge\"]"), "{error}");
    // What is not said of the spot market is asked, and never more than on demand.
    let asked = Ec2Options { spot_price: None, ..options("missing") };
    let prices = ec2(front.port(), asked).unwrap().prices().unwrap();
    assert!(prices.spot <= prices.on_demand && front.seen("DescribeSpotPriceHistory").len() == 1, "{prices:?}");
    let long = Ec2Options { install: vec!["x".repeat(20_000)], ..options("missing") };
    let error = ec2(front.port(), long).unwrap().create(&order("l1l1l1l1", Market::OnDemand, 0)).unwrap_err();
    assert!(error.to_string().contains("16384"), "{error}");
}

#[test]
fn https_is_taken_from_whoever_is_trusted_only() {
    let empty = "<R><subnetSet><item><subnetId>subnet-a</subnetId><vpcId>v</vpcId></item></subnetSet></R>";
    let (server, certificate) = Server::start_tls(move |_| Some(Response::new(200, empty)));
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("ca.pem").display().to_string();
    std::fs::write(&bundle, certificate).unwrap();
    let url = format!("https://localhost:{}", server.port);
    let list = |more: &[(&str, &str)]| {
        let variables: Vec<_> = [("AWS_ENDPOINT_URL", url.as_str())].into_iter().chain(more.iter().copied()).collect();
        Ec2::open(options("tls"), environment(0, &variables), retries())?.list()
    };
    assert_eq!(list(&[("AWS_CA_BUNDLE", &bundle)]).unwrap(), []);
    let stranger = list(&[]).unwrap_err();
    assert!(stranger.kind == Kind::Network && stranger.to_string().contains("ertificate"), "{stranger}");
    let empty = folder.path().join("empty.pem").display().to_string();
    std::fs::write(&empty, "").unwrap();
    for bundle in ["/nonexistent.pem", &empty] {
        let error = list(&[("AWS_CA_BUNDLE", bundle)]).unwrap_err().to_string();
        assert!(error.contains(bundle) && error.contains("AWS_CA_BUNDLE"), "{error}");
    }
}
