"""What is compared: this module, the two of Debian, and none.

Each is told the same things (where Clerk is, for how long an answer holds, how
many tokens there are) in its own words.
"""

import collections
import shutil

# What a row wants of the module. `tokens` is how many there will be at most.
# Unless it says otherwise, no answer grows old while it is measured.
Setup = collections.namedtuple(
    "Setup", "ttl negative_ttl timeout tokens rate extra",
    defaults=(3600, 3600, 5, 1000, None, ""))

# Bytes of shared memory for each token in this module's cache: the formula of
# docs/performance.md.
BYTES_PER_TOKEN = 330
CACHE_LEAST = 3 * 1024 * 1024
# Where nothing is to be limited.
NO_LIMIT = "1000000/1"

Contender = collections.namedtuple(
    "Contender", "name package module conf section")

OURS = "mod_auth_clerk"
OIDC = "mod_auth_openidc"
OAUTH2 = "mod_oauth2"
BARE = "bare"

OURS_CONF = """\
LoadModule auth_clerk_module "{root}/mod_auth_clerk.so"
ClerkFrontendAPI {up.url}
ClerkBackendAPI {up.bapi_url}
ClerkClientID "{up.client_id}"
ClerkClientSecret "{up.client_secret}"
ClerkCAFile "{root}/ca.pem"
ClerkVerifier introspection
ClerkCacheTTL {setup.ttl}
ClerkNegativeCacheTTL {setup.negative_ttl}
ClerkTimeout {setup.timeout}
ClerkSOCache shmcb:bench({size})
<IfDirective ClerkRateLimit>
    ClerkRateLimit {rate}
</IfDirective>
{setup.extra}
"""

OIDC_CONF = """\
LoadModule auth_openidc_module "{modules}/mod_auth_openidc.so"
OIDCOAuthIntrospectionEndpoint {up.url}/oauth/token_info
OIDCOAuthIntrospectionEndpointAuth client_secret_basic
OIDCOAuthClientID {up.client_id}
OIDCOAuthClientSecret {up.client_secret}
OIDCOAuthSSLValidateServer On
OIDCCABundlePath "{root}/ca.pem"
OIDCCryptoPassphrase nobody-needs-to-guess-this
OIDCCacheType shm
OIDCCacheShmMax {entries}
OIDCCacheShmEntrySizeMax 8721
OIDCHTTPTimeoutLong {setup.timeout}
OIDCHTTPTimeoutShort {setup.timeout}
"""

# It has no directive for the trust anchors of this call: it is let off with
# no verification, which makes it faster.
OAUTH2_CONF = """\
LoadModule oauth2_module "{modules}/mod_oauth2.so"
OAuth2Cache shm max_entries={entries}
OAuth2TokenVerify introspect {up.url}/oauth/token_info \
introspect.ssl_verify=false&introspect.auth=client_secret_basic\
&client_id={up.client_id}&client_secret={up.client_secret}\
&introspect.http_timeout={setup.timeout}&expiry={setup.ttl}
"""

# A reverse proxy to the same upstream: what httpd needs to ask anybody.
PROXY_CONF = """\
LoadModule ssl_module "{modules}/mod_ssl.so"
LoadModule proxy_module "{modules}/mod_proxy.so"
LoadModule proxy_http_module "{modules}/mod_proxy_http.so"
SSLProxyEngine On
SSLProxyVerify require
SSLProxyCACertificateFile "{root}/ca.pem"
SSLProxyCheckPeerName Off
ProxyPass /auth/page.txt {up.url}/oauth/token_info
"""


def _ours(values):
    return OURS_CONF.format(
        size=cache_bytes(values["setup"].tokens),
        rate=values["setup"].rate or NO_LIMIT, **values)


def _oidc(values):
    return OIDC_CONF.format(entries=_entries(values), **values)


def _oauth2(values):
    return OAUTH2_CONF.format(entries=_entries(values), **values)


def _proxy(values):
    return PROXY_CONF.format(**values)


def _nothing(_):
    return ""


def _entries(values):
    """Slots: they look at all of them for each request."""
    return max(500, values["setup"].tokens + 100)


def cache_bytes(tokens):
    """How large this module's cache is made for so many tokens."""
    size = max(CACHE_LEAST, tokens * BYTES_PER_TOKEN)
    return -(-size // 4096) * 4096


ALL = {
    OURS: Contender(OURS, None, "mod_auth_clerk.so", _ours,
                    "AuthType Clerk\n    Require valid-user"),
    OIDC: Contender(OIDC, "libapache2-mod-auth-openidc",
                    "mod_auth_openidc.so", _oidc,
                    "AuthType oauth20\n    Require valid-user\n"
                    "    OIDCOAuthTokenIntrospectionInterval {ttl}"),
    OAUTH2: Contender(OAUTH2, "libapache2-mod-oauth2",
                      "mod_oauth2.so", _oauth2,
                      "AuthType oauth2\n    Require valid-user"),
    BARE: Contender(BARE, None, None, _nothing, "Require all granted"),
}
PROXY = Contender("proxy", None, None, _proxy,
                  "Require all granted")
PEERS = (OIDC, OAUTH2)
GUARDS = (OURS, OIDC, OAUTH2)


def install(contender, root, module, up):
    """What the server may not be able to read where it is: the module that is
    measured, and the upstream's authority."""
    if contender.name == OURS:
        shutil.copy(module, root / "mod_auth_clerk.so")
    shutil.copy(up.ca_file, root / "ca.pem")
    (root / "ca.pem").chmod(0o644)
