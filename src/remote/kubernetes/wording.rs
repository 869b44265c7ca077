//! What the library's errors are in words, without anything that may be a credential: texts of a
//! kubeconfig, addresses with a password, and what a credential plugin printed.

use kube::Error as KubeError;
use kube::client::AuthError;
use kube::config::KubeconfigError;

/// What is wrong with a kubeconfig, without the text that stands in it: that may be a credential.
pub(super) fn of_kubeconfig(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => format!("it is not the YAML of one, line {}", at.line()),
            None => "it is not the YAML of one".to_owned(),
        },
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            "it is of another kind or version than the files before it".to_owned()
        }
        KubeconfigError::ParseClusterUrl(_) => "the server's address is none".to_owned(),
        KubeconfigError::ParseProxyUrl(_) => "the proxy's address is none".to_owned(),
        KubeconfigError::ParseNoProxy(_) => "the variable NO_PROXY cannot be read".to_owned(),
        KubeconfigError::LoadCertificateAuthority(_) => {
            "its certificate authority cannot be read: a file of PEM, or that in base64".to_owned()
        }
        KubeconfigError::LoadClientCertificate(_) => {
            "the user's certificate cannot be read: a file of PEM, or that in base64".to_owned()
        }
        KubeconfigError::LoadClientKey(_) => {
            "the user's key cannot be read: a file of PEM, or that in base64".to_owned()
        }
        KubeconfigError::ParseCertificates(_) => {
            "its certificate authority is no PEM certificate".to_owned()
        }
        KubeconfigError::CurrentContextNotSet
        | KubeconfigError::LoadContext(_)
        | KubeconfigError::LoadClusterOfContext(_)
        | KubeconfigError::FindPath
        | KubeconfigError::MissingClusterUrl => "it is not complete".to_owned(),
    }
}

/// Why a client could not be made, or got no credentials; never in a plugin's own words.
pub(super) fn of_client(error: &KubeError, plugin: Option<&str>) -> String {
    if let KubeError::Auth(error) = error {
        return of_credentials(error, plugin);
    }
    if let KubeError::InferKubeconfig(error) = error {
        return of_kubeconfig(error);
    }
    if let KubeError::RustlsTls(_) = error {
        return "the user's certificate and key cannot be used for TLS".to_owned();
    }
    "no client can be made of it".to_owned()
}

/// Why there are no credentials. What a plugin printed may hold some, so it is never shown.
pub(super) fn of_credentials(error: &AuthError, plugin: Option<&str>) -> String {
    let plugin = match plugin {
        Some(plugin) => format!("credential plugin {plugin:?}"),
        None => "the credentials".to_owned(),
    };
    match error {
        AuthError::AuthExecStart(error) => format!("{plugin} cannot be started: {error}"),
        AuthError::AuthExecRun { out, .. } => {
            format!("{plugin} failed with {}; run it by hand to see why", out.status)
        }
        AuthError::AuthExecParse(_)
        | AuthError::ExecPluginFailed
        | AuthError::MalformedTokenExpirationDate(_)
        | AuthError::UnrefreshableTokenResponse => {
            format!("{plugin} printed no ExecCredential that can be used")
        }
        AuthError::ReadTokenFile(error, path) => {
            format!("the token file {} cannot be read: {error}", path.display())
        }
        AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_) => {
            "the token holds characters that no header can have".to_owned()
        }
        AuthError::MissingCommand => "its credential plugin names no command".to_owned(),
        AuthError::ExecMissingClusterInfo
        | AuthError::AuthExecSerialize(_)
        | AuthError::AuthExec(_)
        | AuthError::ParseTokenKey(_)
        | AuthError::NoValidNativeRootCA(_) => format!("{plugin} could not be had"),
    }
}
