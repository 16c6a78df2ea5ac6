//! `require_auth`: the ways in which a server may ask who we are (manual, chapter 34.1.2).

/// The codes of AuthenticationRequest (manual, chapter 55.7).
pub(crate) mod code {
    pub(crate) const OK: u32 = 0;
    pub(crate) const PASSWORD: u32 = 3;
    pub(crate) const MD5: u32 = 5;
    pub(crate) const GSS: u32 = 7;
    pub(crate) const GSS_CONTINUE: u32 = 8;
    pub(crate) const SSPI: u32 = 9;
    pub(crate) const SASL: u32 = 10;
    pub(crate) const SASL_CONTINUE: u32 = 11;
    pub(crate) const SASL_FINAL: u32 = 12;
}

/// Every method with the requests that belong to it; `none` has none.
const METHODS: [(&str, &[u32]); 6] = [
    ("password", &[code::PASSWORD]),
    ("md5", &[code::MD5]),
    ("gss", &[code::GSS, code::GSS_CONTINUE]),
    ("sspi", &[code::SSPI, code::GSS_CONTINUE]),
    ("scram-sha-256", &[code::SASL, code::SASL_CONTINUE, code::SASL_FINAL]),
    ("none", &[]),
];

/// A list of methods: those that may be used, or with `!` those that may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequireAuth {
    text: String,
    listed: Vec<&'static str>,
    negated: bool,
}

impl RequireAuth {
    /// Reads a list as libpq does: no white space is taken off, a method that occurs twice
    /// is taken for a mistake.
    ///
    /// # Errors
    /// One line in libpq's words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let negated = text.starts_with('!');
        let mut listed = Vec::new();
        for part in text.split(',') {
            let name = match (part.strip_prefix('!'), negated) {
                (Some(name), true) => name,
                (None, false) => part,
                (Some(_), false) => {
                    return Err(format!(
                        "negative require_auth method \"{part}\" cannot be mixed with non-negative methods"
                    ));
                }
                (None, true) => {
                    return Err(format!("require_auth method \"{part}\" cannot be mixed with negative methods"));
                }
            };
            let Some((name, _)) = METHODS.iter().find(|(known, _)| *known == name) else {
                return Err(format!("invalid require_auth value: \"{name}\""));
            };
            if listed.contains(name) {
                return Err(format!("require_auth method \"{part}\" is specified more than once"));
            }
            listed.push(*name);
        }
        Ok(Self { text: text.to_owned(), listed, negated })
    }

    /// The names of the methods, for messages.
    pub(crate) fn names() -> String {
        METHODS.map(|(name, _)| name).join(", ")
    }

    /// The list as it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the list names this method as one that may be used.
    fn asks_for(&self, method: &str) -> bool {
        !self.negated && self.listed.contains(&method)
    }

    /// Whether the server may let us in without having asked.
    fn takes_none(&self) -> bool {
        self.listed.contains(&"none") != self.negated
    }

    fn takes(&self, request: u32) -> bool {
        let is_listed = METHODS.iter().any(|(name, codes)| self.listed.contains(name) && codes.contains(&request));
        let is_known = METHODS.iter().any(|(_, codes)| codes.contains(&request));
        is_known && is_listed != self.negated
    }
}

/// What a server may ask for on one connection.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    require: Option<RequireAuth>,
    /// Whether others on the network can read what is sent.
    exposed: bool,
    /// Whether the server has asked.
    asked: bool,
}

impl Admission {
    /// For a connection; `exposed`: over a network, without TLS.
    pub(crate) fn new(require: Option<RequireAuth>, exposed: bool) -> Self {
        Self { require, exposed, asked: false }
    }

    /// The same over TLS.
    pub(crate) fn encrypted(mut self) -> Self {
        self.exposed = false;
        self
    }

    /// Looks at an AuthenticationRequest before anything is answered.
    ///
    /// # Errors
    /// Why the connection ends here.
    pub(crate) fn judge(&mut self, request: u32) -> Result<(), Refusal> {
        let method = match request {
            code::PASSWORD => Some("password"),
            code::MD5 => Some("md5"),
            _ => None,
        };
        if let Some(require) = &self.require {
            let why = match request {
                code::OK if self.asked || require.takes_none() => None,
                code::OK => Some("server did not complete authentication"),
                other if require.takes(other) => None,
                other => Some(description(other)),
            };
            if let Some(why) = why {
                return Err(Refusal::NotAllowed { require: require.text.clone(), why });
            }
        }
        self.asked = true;
        match method {
            Some(method) if self.exposed && !self.require.as_ref().is_some_and(|r| r.asks_for(method)) => {
                Err(Refusal::Exposed { method })
            }
            _ => Ok(()),
        }
    }
}

fn description(request: u32) -> &'static str {
    match request {
        code::PASSWORD => "server requested a cleartext password",
        code::MD5 => "server requested a hashed password",
        code::GSS | code::GSS_CONTINUE => "server requested GSSAPI authentication",
        code::SSPI => "server requested SSPI authentication",
        code::SASL | code::SASL_CONTINUE | code::SASL_FINAL => "server requested SASL authentication",
        _ => "server requested an unknown authentication type",
    }
}

/// Why nothing was answered to a server's AuthenticationRequest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// `require_auth` does not allow it.
    #[error("authentication method requirement \"{require}\" failed: {why}")]
    NotAllowed {
        /// The list.
        require: String,
        /// What the server asked for.
        why: &'static str,
    },
    /// A password would cross the network where everybody can read it.
    #[error("{} over a connection without TLS; nothing was sent", method_words(.method))]
    Exposed {
        /// The method.
        method: &'static str,
    },
}

fn method_words(method: &str) -> &'static str {
    if method == "md5" {
        "the server asks for an MD5 hash of the password"
    } else {
        "the server asks for the password in clear text"
    }
}

impl Refusal {
    /// The remedy.
    pub(crate) fn help(&self) -> String {
        match self {
            Refusal::NotAllowed { .. } => {
                "use an authentication method in pg_hba.conf that `require_auth` allows, or correct `require_auth`; check the server"
                    .to_owned()
            }
            Refusal::Exposed { method } => format!(
                "enable TLS (`sslmode=require`) or use scram-sha-256 in pg_hba.conf; `require_auth={method}` sends it \
                 nevertheless"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RequireAuth {
        RequireAuth::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    /// Whether a server that sends these requests one after the other is let through.
    fn passes(require: Option<&str>, exposed: bool, requests: &[u32]) -> bool {
        let mut admission = Admission::new(require.map(parse), exposed);
        requests.iter().all(|request| admission.judge(*request).is_ok())
    }

    const SCRAM: [u32; 4] = [code::SASL, code::SASL_CONTINUE, code::SASL_FINAL, code::OK];

    // most lines are libpq's own cases (src/test/authentication/t/001_password.pl)
    #[test]
    fn methods_are_allowed_as_libpq_allows_them() {
        let md5: &[u32] = &[code::MD5, code::OK];
        let password: &[u32] = &[code::PASSWORD, code::OK];
        let trust: &[u32] = &[code::OK];
        for (require, good, bad) in [
            ("none", vec![trust], vec![password, md5, &SCRAM]),
            ("!none", vec![password, md5, &SCRAM], vec![trust]),
            ("password", vec![password], vec![trust, md5, &SCRAM]),
            ("!password", vec![trust, md5, &SCRAM], vec![password]),
            ("md5", vec![md5], vec![trust, password, &SCRAM]),
            ("scram-sha-256", vec![&SCRAM], vec![trust, password, md5]),
            ("!scram-sha-256", vec![trust, password, md5], vec![&SCRAM]),
            ("password,scram-sha-256,md5", vec![password, &SCRAM, md5], vec![trust]),
            ("none,scram-sha-256", vec![trust, &SCRAM], vec![password, md5]),
            ("!none,!password", vec![md5, &SCRAM], vec![trust, password]),
            ("!password,!md5,!scram-sha-256", vec![trust], vec![password, md5, &SCRAM]),
            ("gss", vec![&[code::GSS, code::GSS_CONTINUE, code::OK]], vec![trust, &[code::SSPI]]),
            ("sspi", vec![&[code::SSPI, code::GSS_CONTINUE, code::OK]], vec![trust, &[code::GSS]]),
            // an unknown request is never allowed
            ("!none", vec![], vec![&[2], &[99]]),
        ] {
            for requests in good {
                assert!(passes(Some(require), false, requests), "{require}: {requests:?}");
            }
            for requests in bad {
                assert!(!passes(Some(require), false, requests), "{require}: {requests:?}");
            }
        }
    }

    #[test]
    fn a_password_crosses_a_network_only_when_its_method_is_named() {
        for (require, request, passing) in [
            (None, code::PASSWORD, false),
            (None, code::MD5, false),
            (None, code::SASL, true),
            (None, code::OK, true),
            (Some("password"), code::PASSWORD, true),
            (Some("md5"), code::MD5, true),
            (Some("md5,scram-sha-256"), code::MD5, true),
            // not named: only not forbidden
            (Some("!none"), code::PASSWORD, false),
            (Some("!md5"), code::PASSWORD, false),
        ] {
            assert_eq!(passes(require, true, &[request]), passing, "{require:?} {request}");
        }
        assert!(Admission::new(None, true).encrypted().judge(code::PASSWORD).is_ok());
    }

    #[test]
    fn mistakes_are_told_in_the_words_of_libpq() {
        for (text, message) in [
            ("scram", "invalid require_auth value: \"scram\""),
            ("", "invalid require_auth value: \"\""),
            ("md5,", "invalid require_auth value: \"\""),
            ("!bogus", "invalid require_auth value: \"bogus\""),
            ("password, md5", "invalid require_auth value: \" md5\""),
            ("MD5", "invalid require_auth value: \"MD5\""),
            ("!password,md5", "require_auth method \"md5\" cannot be mixed with negative methods"),
            ("password,!md5", "negative require_auth method \"!md5\" cannot be mixed with non-negative methods"),
            ("password,md5,password", "require_auth method \"password\" is specified more than once"),
            ("!none,!md5,!none", "require_auth method \"!none\" is specified more than once"),
        ] {
            assert_eq!(RequireAuth::parse(text), Err(message.to_owned()), "{text}");
        }
    }
}
