//! What a machine gets to read at its first start: cloud-init writes a systemd service and starts it.
//!
//! It is cloud-config as JSON, which is YAML too and needs no quoting of its own. Whoever may read the machine's user data
//! can see the join token, which is why it is good once.

use super::Ec2Options;
use crate::ProviderError;
use serde_json::json;

/// EC2 takes no more.
const MOST_BYTES: usize = 16 * 1024;

/// Tells browsers the public address, which the machine itself does not see on its network card.
const ADDRESS_SCRIPT: &str = r#"#!/bin/sh
# Writes where browsers fetch the video from, as the instance metadata service says it (version 2).
set -eu
base="${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest"
token=$(curl -sf -m 5 -X PUT -H 'x-aws-ec2-metadata-token-ttl-seconds: 60' "$base/api/token")
address=$(curl -sf -m 5 -H "x-aws-ec2-metadata-token: $token" "$base/meta-data/public-ipv4" || true)
out="${1:?file to write}"
if [ -n "$address" ]; then echo "RRHOST_ADVERTISE=$address" > "$out"; else : > "$out"; fi
"#;

/// # Errors
/// It is too long.
pub fn user_data(options: &Ec2Options, token: &str, join: &str) -> Result<String, ProviderError> {
    let mut environment = vec![
        format!("RRHOST_LISTEN=0.0.0.0:{}", options.port),
        format!("RR_FLEET={}", options.fleet),
        format!("RR_WORKER={token}"),
    ];
    if let Some(url) = &options.gateway {
        let sessions = format!("RRHOST_SESSIONS={}", options.sessions);
        environment.extend([format!("RR_GATEWAY={url}"), "RR_SPOT_NOTICES=true".to_owned(), sessions]);
    }
    environment.extend(options.env.iter().map(|(name, value)| format!("{name}={value}")));
    if environment.iter().any(|line| line.contains(['\n', '\r'])) {
        let said = "a variable of the worker's environment has several lines";
        return Err(ProviderError::other("cannot start machines", said, "correct env in [ec2] of rrctl.toml"));
    }
    let mut run: Vec<serde_json::Value> = options.install.iter().map(|command| json!(command)).collect();
    run.push(json!(["systemctl", "daemon-reload"]));
    run.push(json!(["systemctl", "enable", "--now", "remote-render-worker.service"]));
    let file = |path: &str, mode: &str, content: &str| json!({ "path": path, "permissions": mode, "content": content });
    let config = json!({
        "write_files": [
            file("/etc/remote-render/join-token", "0600", join),
            file("/etc/remote-render/worker.env", "0600", &(environment.join("\n") + "\n")),
            file("/usr/local/lib/remote-render/address", "0755", ADDRESS_SCRIPT),
            file("/etc/systemd/system/remote-render-worker.service", "0644", &unit(options)),
        ],
        "runcmd": run,
    });
    let text = format!("#cloud-config\n{config}\n");
    if text.len() > MOST_BYTES {
        let said = format!("user data of {} bytes, and EC2 takes {MOST_BYTES}", text.len());
        let advice = "shorten install and env in [ec2] of rrctl.toml, or put them into the image";
        return Err(ProviderError::other("cannot start machines", said, advice));
    }
    Ok(text)
}

fn unit(options: &Ec2Options) -> String {
    let args: String = options.args.iter().map(|arg| format!(" {}", quoted(arg))).collect();
    format!(
        "[Unit]\n\
         Description=Remote Render worker\n\
         After=network-online.target\n\
         Wants=network-online.target\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         DynamicUser=yes\n\
         SupplementaryGroups=video render\n\
         StateDirectory=remote-render\n\
         CacheDirectory=remote-render\n\
         RuntimeDirectory=remote-render\n\
         Environment=XDG_STATE_HOME=%S XDG_CONFIG_HOME=%S XDG_CACHE_HOME=%C XDG_RUNTIME_DIR=%t/remote-render\n\
         EnvironmentFile=/etc/remote-render/worker.env\n\
         EnvironmentFile=-/run/remote-render-address.env\n\
         LoadCredential=join-token:/etc/remote-render/join-token\n\
         ExecStartPre=+-/usr/local/lib/remote-render/address /run/remote-render-address.env\n\
         ExecStart={} --headless{args}\n\
         Restart=always\n\
         RestartSec=2\n\
         NoNewPrivileges=yes\n\
         ProtectSystem=strict\n\
         ProtectHome=yes\n\
         PrivateTmp=yes\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n",
        quoted(&options.command)
    )
}

/// An argument as systemd.service(5) reads it.
fn quoted(arg: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._/:=,+@".contains(c);
    if !arg.is_empty() && arg.chars().all(safe) {
        return arg.to_owned();
    }
    let mut text = "\"".to_owned();
    for c in arg.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '%' | '$' => text.extend([c, c]),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text + "\""
}
