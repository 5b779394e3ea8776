//! What machines need beside themselves: a security group and a launch template, made once and kept as wanted.

use super::wire::Params;
use super::xml::Node;
use super::{Ec2, Subnet, TAG_FLEET, sign};
use crate::{Kind, ProviderError};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

/// An open door: protocol, first and last port, network.
type Door = (String, u16, u16, String);

/// The template that machines are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pub id: String,
    pub version: String,
}

/// An image and the name of its first disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub id: String,
    pub root: String,
}

impl Ec2 {
    fn kit_name(&self) -> String {
        format!("rr-{}", self.options.fleet)
    }

    /// The image: by its id, or the one that a parameter names now.
    pub(super) fn image(&self) -> Result<Image, ProviderError> {
        let what = "cannot find the image";
        let id = match (&self.options.image, &self.options.image_parameter) {
            (Some(id), _) => id.clone(),
            (None, Some(name)) => {
                let keys = self.credentials.keys(&self.wire)?.keys;
                let body = serde_json::json!({ "Name": name });
                let answer = self.wire.json("ssm", "AmazonSSM.GetParameter", &body, &keys, what)?;
                let value = answer["Parameter"]["Value"].as_str().unwrap_or_default().trim().to_owned();
                if !value.starts_with("ami-") {
                    let said = format!("the parameter {name} holds \"{value:.60}\", which is no image");
                    return Err(ProviderError::other(what, said, "set image_parameter in [ec2] of rrctl.toml"));
                }
                value
            }
            (None, None) => {
                let advice = "set image (ami-…) or image_parameter in [ec2] of rrctl.toml";
                return Err(ProviderError::other(what, "none is named", advice));
            }
        };
        let mut params = Params::default();
        params.add("ImageId.1", &id);
        let answer = self.ask("DescribeImages", &params, what)?;
        let found = answer.items("imagesSet").next().ok_or_else(|| {
            let advice = "set image in [ec2] of rrctl.toml to an image of this region";
            ProviderError::other(what, format!("there is no {id} in {}", self.wire.region()), advice)
        })?;
        let root = found.at("rootDeviceName").unwrap_or("/dev/sda1").to_owned();
        Ok(Image { id, root })
    }

    /// The subnets in use: as named, else the default ones of all zones. Their order is that of places.
    pub(super) fn find_subnets(&self) -> Result<Vec<Subnet>, ProviderError> {
        let what = "cannot find the subnets";
        let mut params = Params::default();
        if self.options.subnets.is_empty() {
            params.filter(1, "default-for-az", &["true"]);
        }
        for (index, subnet) in self.options.subnets.iter().enumerate() {
            params.add(format!("SubnetId.{}", index + 1), subnet);
        }
        let answer = self.ask("DescribeSubnets", &params, what)?;
        let subnet = |item: &Node| {
            Some(Subnet {
                id: item.at("subnetId")?.to_owned(),
                zone: item.at("availabilityZone").unwrap_or_default().to_owned(),
                vpc: item.at("vpcId").unwrap_or_default().to_owned(),
            })
        };
        let mut subnets: Vec<Subnet> = answer.items("subnetSet").filter_map(subnet).collect();
        match self.options.subnets.as_slice() {
            [] => subnets.sort_by(|a, b| (&a.zone, &a.id).cmp(&(&b.zone, &b.id))),
            order => subnets.sort_by_key(|subnet| order.iter().position(|id| *id == subnet.id)),
        }
        let advice = "set subnets in [ec2] of rrctl.toml";
        if subnets.is_empty() {
            let said = format!("{} has no default ones", self.wire.region());
            return Err(ProviderError::other(what, said, advice));
        }
        if let Some(other) = subnets.iter().find(|subnet| subnet.vpc != subnets[0].vpc) {
            let said = format!("{} and {} are in different VPCs", subnets[0].id, other.id);
            return Err(ProviderError::other(what, said, advice));
        }
        Ok(subnets)
    }

    /// Makes the security group and the template as wanted; what has to be changed, in words.
    pub(super) fn fit(&self, dry: bool) -> Result<(Vec<String>, Option<Template>), ProviderError> {
        let mut changes = Vec::new();
        let groups = if self.options.security_groups.is_empty() {
            vec![self.fit_group(dry, &mut changes)?]
        } else {
            self.options.security_groups.clone()
        };
        let image = self.image()?;
        let template = self.fit_template(dry, &mut changes, &groups, &image)?;
        Ok((changes, template))
    }

    fn fit_group(&self, dry: bool, changes: &mut Vec<String>) -> Result<String, ProviderError> {
        let what = "cannot make the security group";
        if self.options.allow.is_empty() {
            let advice = "set allow in [ec2] of rrctl.toml to the networks that viewers come from, as \
                          [\"203.0.113.0/24\"], or security_groups to groups of your own";
            return Err(ProviderError::other(what, "nobody may reach the workers", advice));
        }
        let (first, last) = self.options.ports()?;
        let doors = |network: &String| ["tcp", "udp"].map(|of| (of.to_owned(), first, last, network.clone()));
        let wanted: BTreeSet<Door> = self.options.allow.iter().flat_map(doors).collect();
        let name = self.kit_name();
        let found = self.find_group()?;
        let (id, open) = match found {
            Some(found) => found,
            None => {
                let vpc = self.subnets()?[0].vpc.clone();
                changes.push(format!("create security group {name} in {vpc}"));
                if dry {
                    ("sg-new".to_owned(), BTreeSet::new())
                } else {
                    (self.make_group(&name, &vpc)?, BTreeSet::new())
                }
            }
        };
        for (action, doors, said) in [
            ("AuthorizeSecurityGroupIngress", wanted.difference(&open), "open"),
            ("RevokeSecurityGroupIngress", open.difference(&wanted), "close"),
        ] {
            for door in doors {
                let (protocol, first, last, network) = door;
                let ports = if first == last { format!("port {first}") } else { format!("ports {first} to {last}") };
                changes.push(format!("{said} {protocol} {ports} for {network}"));
                if !dry {
                    self.turn(action, &id, door)?;
                }
            }
        }
        Ok(id)
    }

    fn find_group(&self) -> Result<Option<(String, BTreeSet<Door>)>, ProviderError> {
        let mut params = Params::default();
        params.filter(1, "group-name", &[&self.kit_name()]);
        params.filter(2, &format!("tag:{TAG_FLEET}"), &[&self.options.fleet]);
        let answer = self.ask("DescribeSecurityGroups", &params, "cannot find the security group")?;
        let Some(group) = answer.items("securityGroupInfo").next() else { return Ok(None) };
        let mut open = BTreeSet::new();
        for rule in group.items("ipPermissions") {
            let protocol = rule.at("ipProtocol").unwrap_or_default();
            let port = |name| rule.at(name).and_then(|port| port.parse().ok()).unwrap_or_default();
            let (first, last) = (port("fromPort"), port("toPort"));
            let networks = rule.items("ipRanges").filter_map(|range| range.at("cidrIp"));
            let networks = networks.chain(rule.items("ipv6Ranges").filter_map(|range| range.at("cidrIpv6")));
            open.extend(networks.map(|network| (protocol.to_owned(), first, last, network.to_owned())));
        }
        Ok(group.at("groupId").map(|id| (id.to_owned(), open)))
    }

    fn make_group(&self, name: &str, vpc: &str) -> Result<String, ProviderError> {
        let what = "cannot make the security group";
        let mut params = Params::default();
        params.add("GroupName", name);
        params.add("GroupDescription", format!("Workers of the Remote Render fleet {}", self.options.fleet));
        params.add("VpcId", vpc);
        self.add_tags(&mut params, 1, "security-group", &[]);
        match self.ask("CreateSecurityGroup", &params, what) {
            Ok(answer) => {
                self.fresh.store(true, Ordering::Relaxed);
                let id = answer.at("groupId").map(str::to_owned);
                id.ok_or_else(|| ProviderError::new(Kind::Network, what, "the answer names none", ""))
            }
            // A request whose answer was lost has made it.
            Err(error) if error.said.contains("InvalidGroup.Duplicate") => match self.find_group()? {
                Some((id, _)) => Ok(id),
                None => {
                    let said = format!("there is a group {name} without the fleet's tag");
                    let advice = format!("give it the tag {TAG_FLEET}={}, or remove it", self.options.fleet);
                    Err(ProviderError::other(what, said, advice))
                }
            },
            Err(error) => Err(error),
        }
    }

    fn turn(&self, action: &str, group: &str, door: &Door) -> Result<(), ProviderError> {
        let (protocol, first, last, network) = door;
        let mut params = Params::default();
        params.add("GroupId", group);
        params.add("IpPermissions.1.IpProtocol", protocol);
        if protocol != "-1" {
            params.add("IpPermissions.1.FromPort", first.to_string());
            params.add("IpPermissions.1.ToPort", last.to_string());
        }
        let (list, key) = if network.contains(':') { ("Ipv6Ranges", "CidrIpv6") } else { ("IpRanges", "CidrIp") };
        params.add(format!("IpPermissions.1.{list}.1.{key}"), network);
        match self.ask(action, &params, "cannot change the security group") {
            Err(error) if error.said.contains("InvalidPermission.Duplicate") => Ok(()),
            Err(error) if error.said.contains("InvalidPermission.NotFound") => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    fn template_data(&self, groups: &[String], image: &Image) -> Params {
        let options = &self.options;
        let mut params = Params::default();
        let mut add = |name: &str, value: &str| params.add(format!("LaunchTemplateData.{name}"), value);
        add("ImageId", &image.id);
        add("InstanceType", &options.instance_type);
        add("InstanceInitiatedShutdownBehavior", "terminate");
        // Version 1 of the metadata service gives credentials to whoever makes the machine fetch an address.
        add("MetadataOptions.HttpTokens", "required");
        add("MetadataOptions.HttpEndpoint", "enabled");
        add("MetadataOptions.HttpPutResponseHopLimit", "1");
        add("BlockDeviceMapping.1.DeviceName", &image.root);
        add("BlockDeviceMapping.1.Ebs.VolumeType", "gp3");
        add("BlockDeviceMapping.1.Ebs.VolumeSize", &options.volume_gib.to_string());
        add("BlockDeviceMapping.1.Ebs.Encrypted", "true");
        add("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true");
        if let Some(key) = &options.kms_key {
            add("BlockDeviceMapping.1.Ebs.KmsKeyId", key);
        }
        if let Some(profile) = &options.instance_profile {
            let by = if profile.starts_with("arn:") { "Arn" } else { "Name" };
            add(&format!("IamInstanceProfile.{by}"), profile);
        }
        if let Some(key) = &options.key_name {
            add("KeyName", key);
        }
        for (index, group) in groups.iter().enumerate() {
            add(&format!("SecurityGroupId.{}", index + 1), group);
        }
        params
    }

    fn fit_template(
        &self,
        dry: bool,
        changes: &mut Vec<String>,
        groups: &[String],
        image: &Image,
    ) -> Result<Option<Template>, ProviderError> {
        let what = "cannot make the launch template";
        let data = self.template_data(groups, image);
        let text: String = data.0.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let hash = sign::sha256_hex(text.as_bytes());
        // A version says what it was made from, so that what is as wanted is known without a look into it.
        let made_from = format!("rr {}", &hash[..32.min(hash.len())]);
        let name = self.kit_name();
        let found = self.find_template(&name)?;
        if let Some((id, latest, description)) = &found
            && *description == made_from
        {
            return Ok(Some(Template { id: id.clone(), version: latest.clone() }));
        }
        let disk = format!("{} GiB encrypted gp3", self.options.volume_gib);
        let of = format!("{} from {}, {disk}, IMDSv2 only", self.options.instance_type, image.id);
        changes.push(match &found {
            Some(_) => format!("new version of launch template {name}: {of}"),
            None => format!("create launch template {name}: {of}"),
        });
        if dry {
            return Ok(None);
        }
        let mut params = data;
        params.add("VersionDescription", &made_from);
        params.add("ClientToken", format!("{}-{}", &hash[..32.min(hash.len())], found.as_ref().map_or("0", |f| &f.1)));
        let broken = || ProviderError::new(Kind::Network, what, "the answer names none", "");
        match found {
            Some((id, ..)) => {
                params.add("LaunchTemplateId", &id);
                let answer = self.ask("CreateLaunchTemplateVersion", &params, what)?;
                let version = answer.at("launchTemplateVersion/versionNumber").ok_or_else(broken)?;
                Ok(Some(Template { id, version: version.to_owned() }))
            }
            None => {
                params.add("LaunchTemplateName", &name);
                self.add_tags(&mut params, 1, "launch-template", &[]);
                let answer = self.ask("CreateLaunchTemplate", &params, what);
                match answer {
                    Ok(answer) => {
                        let id = answer.at("launchTemplate/launchTemplateId").ok_or_else(broken)?;
                        Ok(Some(Template { id: id.to_owned(), version: "1".to_owned() }))
                    }
                    // A request whose answer was lost has made it.
                    Err(error) if error.said.contains("AlreadyExists") => {
                        let found = self.find_template(&name)?.ok_or(error)?;
                        Ok(Some(Template { id: found.0, version: found.1 }))
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Id, latest version and what that was made from.
    fn find_template(&self, name: &str) -> Result<Option<(String, String, String)>, ProviderError> {
        let mut params = Params::default();
        params.add("LaunchTemplateName", name);
        params.add("LaunchTemplateVersion.1", "$Latest");
        match self.ask("DescribeLaunchTemplateVersions", &params, "cannot find the launch template") {
            Ok(answer) => Ok(answer.items("launchTemplateVersionSet").next().and_then(|item| {
                let text = |name: &str| item.at(name).unwrap_or_default().to_owned();
                Some((item.at("launchTemplateId")?.to_owned(), text("versionNumber"), text("versionDescription")))
            })),
            Err(error) if error.said.contains("NotFound") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes template and group.
    pub(super) fn unfit(&self) -> Result<Vec<String>, ProviderError> {
        let mut done = Vec::new();
        let name = self.kit_name();
        if self.find_template(&name)?.is_some() {
            let mut params = Params::default();
            params.add("LaunchTemplateName", &name);
            self.ask("DeleteLaunchTemplate", &params, "cannot remove the launch template")?;
            done.push(format!("removed launch template {name}"));
        }
        if let Some((id, _)) = self.find_group()? {
            let mut params = Params::default();
            params.add("GroupId", &id);
            self.ask("DeleteSecurityGroup", &params, "cannot remove the security group")?;
            done.push(format!("removed security group {name}"));
        }
        Ok(done)
    }
}
