//! What AWS's error codes mean, and what to do about them.
//!
//! Source: "Error codes for the Amazon EC2 API" and "Common errors" of the STS and SSM references.

use crate::{Kind, ProviderError};

/// Which kind of trouble a code is, by the status where the code says nothing.
pub fn kind(code: &str, message: &str, status: u16) -> Kind {
    match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "EC2ThrottledException"
        | "TooManyRequestsException"
        | "SlowDown"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete" => Kind::Throttled,
        "InsufficientInstanceCapacity"
        | "InsufficientHostCapacity"
        | "InsufficientCapacity"
        | "InsufficientReservedInstanceCapacity"
        | "InsufficientFreeAddressesInSubnet"
        | "SpotMaxPriceTooLow"
        | "UnfulfillableCapacity" => Kind::Capacity,
        // Not every zone has every type.
        "Unsupported" if message.contains("vailability Zone") => Kind::Capacity,
        "VcpuLimitExceeded"
        | "InstanceLimitExceeded"
        | "MaxSpotInstanceCountExceeded"
        | "SpotInstanceCountExceeded" => Kind::Quota,
        _ if code.ends_with("LimitExceeded") => Kind::Quota,
        "AuthFailure"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "UnrecognizedClientException"
        | "UnrecognizedClient"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "InvalidSignatureException"
        | "InvalidToken" => Kind::Credentials,
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "OptInRequired"
        | "Blocked"
        | "PendingVerification"
        | "UnauthorizedAccess" => Kind::Permission,
        // The first request of that token was another one: it may have been carried out.
        "IdempotentParameterMismatch"
        | "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "Unavailable"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "RequestTimeoutException" => Kind::Network,
        _ if status == 429 => Kind::Throttled,
        _ if status >= 500 => Kind::Network,
        _ if status == 403 && code.is_empty() => Kind::Permission,
        _ => Kind::Other,
    }
}

/// An error in words.
pub fn error(what: &str, code: &str, message: &str, status: u16) -> ProviderError {
    let kind = kind(code, message, status);
    // EC2 appends pages of letters that only its own service can read.
    let message = message.split(" Encoded authorization failure message").next().unwrap_or_default();
    let message: String = message.trim().chars().take(600).collect();
    let said = match (code.is_empty(), message.is_empty()) {
        (false, false) => format!("{} ({code})", message.trim_end_matches('.')),
        (false, true) => code.to_owned(),
        (true, false) => message,
        (true, true) => format!("HTTP status {status}"),
    };
    ProviderError::new(kind, what, said, advice(kind, code))
}

fn advice(kind: Kind, code: &str) -> &'static str {
    match (kind, code) {
        (_, "RequestExpired" | "SignatureDoesNotMatch" | "InvalidSignatureException") => {
            "check the secret key, and that this machine's clock is right"
        }
        (_, "ExpiredToken" | "ExpiredTokenException") => {
            "get new credentials, as by aws sso login or aws configure, and call again"
        }
        (_, "OptInRequired") => "enable the region or the service for this account, or choose another region",
        (_, "InsufficientFreeAddressesInSubnet") => "name more or larger subnets in [ec2] of rrctl.toml",
        (_, "SpotMaxPriceTooLow") => "raise max_price in [ec2] of rrctl.toml, or leave it out",
        (_, "InvalidAMIID.NotFound" | "InvalidAMIID.Malformed" | "InvalidAMIID.Unavailable") => {
            "set image in [ec2] of rrctl.toml to an image of this region, or image_parameter to a parameter that names one"
        }
        (_, "ParameterNotFound" | "ValidationException") => {
            "set image_parameter in [ec2] of rrctl.toml to a parameter of this region"
        }
        (_, "InvalidSubnetID.NotFound" | "InvalidSubnetID.Malformed") => {
            "set subnets in [ec2] of rrctl.toml to subnets of this region and account"
        }
        (_, "InvalidGroup.NotFound" | "InvalidGroupId.Malformed" | "InvalidGroupId.NotFound") => {
            "set security_groups in [ec2] of rrctl.toml to groups of the subnets' VPC, or leave it out"
        }
        (_, "InvalidKeyPair.NotFound") => "set key_name in [ec2] of rrctl.toml to a key pair of this region",
        (_, "VPCIdNotSpecified" | "DefaultVpcDoesNotExist" | "InvalidVpcID.NotFound") => {
            "set subnets in [ec2] of rrctl.toml: this region has no default network"
        }
        (_, "DependencyViolation") => "it is in use; try again when all machines have ended",
        (Kind::Throttled, _) => "wait a minute, and call less often",
        (Kind::Capacity, _) => "name subnets in more zones in [ec2] of rrctl.toml, or choose another instance type",
        (Kind::Quota, _) => {
            "ask AWS for more in Service Quotas (Running On-Demand or Spot instances of this family), or want fewer"
        }
        (Kind::Credentials, _) => "check who you are by aws sts get-caller-identity",
        (Kind::Permission, _) => {
            "ask the account's administrator for this permission; the README lists what rrctl needs"
        }
        (Kind::Network, _) => "it is not known whether it was done; call again, nothing is done twice",
        (Kind::Other, _) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        for (code, status, wanted) in [
            ("RequestLimitExceeded", 503, Kind::Throttled),
            ("", 429, Kind::Throttled),
            ("InsufficientInstanceCapacity", 500, Kind::Capacity),
            ("VcpuLimitExceeded", 400, Kind::Quota),
            ("SecurityGroupLimitExceeded", 400, Kind::Quota),
            ("AuthFailure", 401, Kind::Credentials),
            ("ExpiredToken", 400, Kind::Credentials),
            ("UnauthorizedOperation", 403, Kind::Permission),
            ("InternalError", 500, Kind::Network),
            ("", 502, Kind::Network),
            ("InvalidAMIID.NotFound", 400, Kind::Other),
        ] {
            assert_eq!(kind(code, "", status), wanted, "{code} {status}");
            let error = error("cannot start a machine", code, "Said so.", status);
            assert!(error.to_string().starts_with("cannot start a machine: Said so"), "{error}");
            assert!(!error.advice.is_empty(), "{code} has no advice");
        }
        let zone = "Your requested instance type is not supported in your requested Availability Zone.";
        assert_eq!(kind("Unsupported", zone, 400), Kind::Capacity);
        assert_eq!(kind("Unsupported", "no", 400), Kind::Other);
    }

    #[test]
    fn encoded_messages_are_left_out() {
        let message = "You are not authorized. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm";
        let error = error("cannot list machines", "UnauthorizedOperation", message, 403);
        assert!(!error.to_string().contains("4GIO"), "{error}");
    }
}
