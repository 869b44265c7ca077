//! Where a bucket is, from the trusted configuration alone, and whose requests it takes, from the
//! environment alone. No variable, no file of credentials and no proxy says where the ledger is.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as S3, Checksum, S3ConditionalPut};
use object_store::azure::{AzureConfigKey as Azure, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as Google};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::Open;
use super::answer::Connector;
use super::error::LocationError;

/// Longest time for a connection to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// Variables of credentials for S3, as the AWS tools know them.
const S3_VARIABLES: [(&str, S3); 9] = [
    ("AWS_ACCESS_KEY_ID", S3::AccessKeyId),
    ("AWS_SECRET_ACCESS_KEY", S3::SecretAccessKey),
    ("AWS_SESSION_TOKEN", S3::Token),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", S3::WebIdentityTokenFile),
    ("AWS_ROLE_ARN", S3::RoleArn),
    ("AWS_ROLE_SESSION_NAME", S3::RoleSessionName),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", S3::ContainerCredentialsRelativeUri),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", S3::ContainerCredentialsFullUri),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", S3::ContainerAuthorizationTokenFile),
];

/// The same for Google Cloud Storage: a key, the file of one, or a token that another tool got.
const GOOGLE_VARIABLES: [(&str, Google); 5] = [
    ("GOOGLE_SERVICE_ACCOUNT", Google::ServiceAccount),
    ("GOOGLE_SERVICE_ACCOUNT_KEY", Google::ServiceAccountKey),
    ("GOOGLE_APPLICATION_CREDENTIALS", Google::ApplicationCredentials),
    ("CLOUDSDK_AUTH_ACCESS_TOKEN", Google::BearerToken),
    ("GOOGLE_OAUTH_ACCESS_TOKEN", Google::BearerToken),
];

/// The same for Azure Blob Storage.
const AZURE_VARIABLES: [(&str, Azure); 8] = [
    ("AZURE_STORAGE_ACCOUNT_KEY", Azure::AccessKey),
    ("AZURE_STORAGE_SAS_TOKEN", Azure::SasKey),
    ("AZURE_CLIENT_ID", Azure::ClientId),
    ("AZURE_CLIENT_SECRET", Azure::ClientSecret),
    ("AZURE_TENANT_ID", Azure::AuthorityId),
    ("AZURE_AUTHORITY_HOST", Azure::AuthorityHost),
    ("AZURE_FEDERATED_TOKEN_FILE", Azure::FederatedTokenFile),
    ("IDENTITY_ENDPOINT", Azure::MsiEndpoint),
];

/// Where a ledger of objects is, and how long to wait for it. All of it comes from the trusted
/// configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://ACCOUNT/CONTAINER/PREFIX`.
    pub url: String,
    /// The region of an S3 bucket; needed unless there is an endpoint.
    pub region: Option<String>,
    /// The server, where it is not the provider's own: `https://HOST[:PORT][/PATH]`, or `http://`
    /// for one that is reached without TLS. Buckets are named in the path.
    pub endpoint: Option<String>,
    /// How long a lock's record stays the same until its holder is taken for dead.
    pub lease: Duration,
    /// How long a record may take to be read or written.
    pub patience: Duration,
}

enum Provider<'u> {
    S3,
    Google,
    Azure { account: &'u str },
}

/// The parts of a url.
struct Parts<'u> {
    provider: Provider<'u>,
    bucket: &'u str,
    prefix: &'u str,
}

impl Bucket {
    /// For people: the url, and the server where one is named.
    pub(super) fn place(&self) -> String {
        match &self.endpoint {
            Some(endpoint) if good_endpoint(endpoint) => format!("{} at {endpoint}", self.url),
            // A bad endpoint may hold a password.
            Some(_) | None => self.url.clone(),
        }
    }

    /// Opens the store of the provider.
    pub(super) fn connect(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Open, LocationError> {
        let Parts { provider, bucket, prefix } = parts(&self.url)?;
        if self.endpoint.as_deref().is_some_and(|endpoint| !good_endpoint(endpoint)) {
            return Err(LocationError::Endpoint);
        }
        // Named at all times, so that nothing else can name one.
        let endpoint = match (&self.endpoint, &provider, &self.region) {
            (Some(endpoint), _, _) => endpoint.trim_end_matches('/').to_owned(),
            (None, Provider::S3, Some(region)) => format!("https://s3.{region}.amazonaws.com"),
            (None, Provider::S3, None) => return Err(LocationError::Region),
            (None, Provider::Google, _) => "https://storage.googleapis.com".to_owned(),
            (None, Provider::Azure { account }, _) => {
                format!("https://{account}.blob.core.windows.net")
            }
        };
        let numbered = matches!(provider, Provider::Google);
        let store = match provider {
            Provider::S3 => self.s3(bucket, &endpoint, environment),
            Provider::Google => self.google(bucket, &endpoint, environment),
            Provider::Azure { account } => self.azure(account, bucket, &endpoint, environment),
        }?;
        Ok(Open {
            store,
            prefix: Path::from(prefix),
            place: self.place(),
            bucket: bucket.to_owned(),
            patience: self.patience,
            numbered,
        })
    }

    fn s3(
        &self,
        bucket: &str,
        endpoint: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Arc<dyn ObjectStore>, LocationError> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_endpoint(endpoint)
            .with_virtual_hosted_style_request(false)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            // A body that was cut on its way is no record.
            .with_checksum_algorithm(Checksum::SHA256)
            .with_disable_bulk_delete(true)
            .with_client_options(self.options(endpoint))
            .with_retry(once())
            .with_http_connector(connector(endpoint));
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        let found = given(environment, &S3_VARIABLES);
        for (_, key, value) in &found {
            builder = builder.with_config(*key, value);
        }
        built(builder.build(), &found)
    }

    fn google(
        &self,
        bucket: &str,
        endpoint: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Arc<dyn ObjectStore>, LocationError> {
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(bucket)
            .with_base_url(endpoint)
            .with_client_options(self.options(endpoint))
            .with_retry(once())
            .with_http_connector(connector(endpoint));
        let found = given(environment, &GOOGLE_VARIABLES);
        for (_, key, value) in &found {
            builder = builder.with_config(*key, value);
        }
        built(builder.build(), &found)
    }

    fn azure(
        &self,
        account: &str,
        container: &str,
        endpoint: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Arc<dyn ObjectStore>, LocationError> {
        let mut builder = MicrosoftAzureBuilder::new()
            .with_account(account)
            .with_container_name(container)
            .with_endpoint(endpoint.to_owned())
            .with_client_options(self.options(endpoint))
            .with_retry(once())
            .with_http_connector(connector(endpoint));
        let found = given(environment, &AZURE_VARIABLES);
        for (_, key, value) in &found {
            builder = builder.with_config(*key, value);
        }
        built(builder.build(), &found)
    }

    fn options(&self, endpoint: &str) -> ClientOptions {
        ClientOptions::new()
            .with_allow_http(endpoint.starts_with("http://"))
            .with_timeout(self.patience / 3)
            .with_connect_timeout(CONNECT.min(self.patience / 6))
            // A proxy that is never used: without one the environment's would be, and it could
            // answer in place of the store.
            .with_proxy_url("http://proxy.invalid")
            .with_proxy_excludes("*,0.0.0.0/0,::/0")
    }
}

/// No request is sent twice without this program's knowledge: see `write.rs`.
fn once() -> RetryConfig {
    let none = Duration::ZERO;
    RetryConfig { backoff: BackoffConfig::default(), max_retries: 0, retry_timeout: none }
}

fn connector(endpoint: &str) -> Connector {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    Connector::of(rest.split('/').next().unwrap_or_default())
}

type Given<K> = Vec<(&'static str, K, String)>;

fn given<K: Copy>(
    environment: &dyn Fn(&str) -> Option<String>,
    variables: &[(&'static str, K)],
) -> Given<K> {
    let set = |(name, key): &(&'static str, K)| {
        let value = environment(name).filter(|value| !value.is_empty())?;
        Some((*name, *key, value))
    };
    variables.iter().filter_map(set).collect()
}

/// The library's own reason is not shown: it can quote a key.
fn built<K, S: ObjectStore>(
    built: object_store::Result<S>,
    found: &Given<K>,
) -> Result<Arc<dyn ObjectStore>, LocationError> {
    match built {
        Ok(store) => Ok(Arc::new(store)),
        Err(_) => {
            let names: Vec<_> = found.iter().map(|(name, _, _)| *name).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Err(LocationError::Credentials(names))
        }
    }
}

fn parts(url: &str) -> Result<Parts<'_>, LocationError> {
    let (scheme, rest) = url.split_once("://").ok_or(LocationError::Scheme)?;
    let (provider, rest) = match scheme {
        "s3" => (Provider::S3, rest),
        "gs" => (Provider::Google, rest),
        "az" => {
            let (account, rest) = rest.split_once('/').ok_or(LocationError::Part("container"))?;
            if !good_part(account) || account.contains(['.', '_']) {
                return Err(LocationError::Part("account"));
            }
            (Provider::Azure { account }, rest)
        }
        "file" => return Err(LocationError::Folder),
        _ => return Err(LocationError::Scheme),
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if !good_part(bucket) {
        return Err(LocationError::Part("bucket"));
    }
    if prefix.is_empty() {
        return Err(LocationError::Prefix);
    }
    if !prefix.split('/').all(good_part) {
        return Err(LocationError::Part("prefix"));
    }
    Ok(Parts { provider, bucket, prefix })
}

/// Characters that mean the same in every url, key and path.
fn good_part(part: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    !part.bytes().all(|c| c == b'.') && part.bytes().all(inner)
}

fn good_endpoint(endpoint: &str) -> bool {
    let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    let inner = |c: u8| c.is_ascii_alphanumeric() || b"-_.:/[]".contains(&c);
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(inner))
}
