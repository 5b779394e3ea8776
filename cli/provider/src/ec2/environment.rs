//! Variables and files that say who asks AWS, and where: as the AWS CLI reads them.

use super::profile::{self, Sections};
use crate::ProviderError;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What was set when the program started. An argument rather than a global, so that tests have their own.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: std::env::vars_os().filter_map(text).collect() }
    }

    /// A variable that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// It is set to true.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn file(&self, variable: &str, usual: &str) -> Option<PathBuf> {
        let home = || self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from);
        match self.get(variable) {
            Some(path) => Some(match path.strip_prefix("~/") {
                Some(rest) => home()?.join(rest),
                None => PathBuf::from(path),
            }),
            None => Some(home()?.join(".aws").join(usual)),
        }
    }

    /// The two files of profiles; what is not there has nothing in it.
    pub(super) fn profiles(&self) -> Result<Profiles, ProviderError> {
        let read = |path: Option<PathBuf>| -> Result<Sections, ProviderError> {
            let Some(path) = path else { return Ok(Sections::default()) };
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
                Err(error) => {
                    let said = format!("{}: {error}", path.display());
                    return Err(ProviderError::other("cannot read AWS profiles", said, "make the file readable"));
                }
            };
            profile::parse(&text).map_err(|line| {
                let said = format!("{} line {line} is neither [a section] nor key = value", path.display());
                ProviderError::other("cannot read AWS profiles", said, "correct the line")
            })
        };
        Ok(Profiles {
            credentials: read(self.file("AWS_SHARED_CREDENTIALS_FILE", "credentials"))?,
            config: read(self.file("AWS_CONFIG_FILE", "config"))?,
        })
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(all: I) -> Self {
        Self { variables: all.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

/// `~/.aws/credentials` and `~/.aws/config`.
#[derive(Debug, Clone, Default)]
pub(super) struct Profiles {
    credentials: Sections,
    config: Sections,
}

impl Profiles {
    /// A value of a profile: credentials first, as the AWS CLI does.
    pub fn get(&self, profile: &str, key: &str) -> Option<&str> {
        let first = self.credentials.get(profile).and_then(|section| section.get(key));
        first.or_else(|| self.section(profile)?.get(key)).map(String::as_str)
    }

    /// It is in one of the files.
    pub fn has(&self, profile: &str) -> bool {
        self.credentials.contains_key(profile) || self.section(profile).is_some()
    }

    /// An address of a service that the profile sets, for it alone or for all.
    pub fn endpoint(&self, profile: &str, service: &str) -> Option<&str> {
        let own = self.get(profile, "services").and_then(|services| {
            self.config.get(&format!("services {services}"))?.get(&format!("{service}.endpoint_url"))
        });
        own.map(String::as_str).or_else(|| self.get(profile, "endpoint_url"))
    }

    fn section(&self, profile: &str) -> Option<&BTreeMap<String, String>> {
        let long = self.config.get(&format!("profile {profile}"));
        long.or_else(|| if profile == "default" { self.config.get("default") } else { None })
    }
}
