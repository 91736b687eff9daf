"""The whole configurations that come with the module, for tests to run."""

from httpd import ROOT

CONF = ROOT / "conf"


def example(name, clerk, **replacements):
    """An example's text, at the stand-in instead of at Clerk."""
    text = (CONF / "examples" / name).read_text()
    for old, new in replacements.values():
        assert old in text
        text = text.replace(old, new)
    return (f"ClerkFrontendAPI {clerk.url}\nClerkBackendAPI {clerk.bapi_url}\n"
            f"ClerkIssuer {clerk.issuer}\n" + text)
