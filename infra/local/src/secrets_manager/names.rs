//! Secret names and their ARNs.

/// AWS adds a hyphen and six random characters to the ARN; here they are always the same.
const SUFFIX: &str = "-LoCaL0";

/// How this cloud's ARNs begin.
#[derive(Clone, Debug)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// For one region and account.
    pub fn new(region: &str, account: &str) -> Self {
        Self { prefix: format!("arn:aws:secretsmanager:{region}:{account}:secret:") }
    }

    /// The whole ARN of a secret.
    pub fn arn(&self, name: &str) -> String {
        format!("{}{name}{SUFFIX}", self.prefix)
    }

    /// The name in a `SecretId`: a name, a whole ARN or one without its last six characters.
    pub(super) fn name<'a>(&self, id: &'a str) -> Option<&'a str> {
        let name = match id.strip_prefix(&self.prefix) {
            Some(rest) => rest.strip_suffix(SUFFIX).unwrap_or(rest),
            None => id,
        };
        Self::allows(name).then_some(name)
    }

    /// AWS "CreateSecret": 1 to 512 ASCII letters, digits and `/_+=.@-`. A store may make paths of names, so no part
    /// of one may be `.` or `..` or empty.
    pub(super) fn allows(name: &str) -> bool {
        name.len() <= 512
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte))
            && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_by_name_and_by_arn_but_not_by_a_path_out_of_the_folder() {
        let names = Names::new("eu-west-1", "000000000000");
        assert_eq!(names.name("signalbox/root-key"), Some("signalbox/root-key"));
        assert_eq!(names.name(&names.arn("signalbox/root-key")), Some("signalbox/root-key"));
        for bad in ["../outside", "a/../../b", "/etc/passwd", "", "a//b", "arn:aws:s3:::x"] {
            assert_eq!(names.name(bad), None, "{bad}");
        }
    }
}
