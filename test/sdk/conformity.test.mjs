// Does the stand-in speak as Clerk does?  Clerk's own client is the judge:
// what it accepts, reads and refuses here, it would with Clerk.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { createClerkClient } from '@clerk/backend';

import { startStandIn } from './standin.mjs';

let standIn;
let clerk;

before(async () => {
  standIn = await startStandIn();
});

after(() => standIn?.stop());

beforeEach(() => {
  clerk = client();
});

afterEach(() => standIn.order('clear'));

function client(changes = {}) {
  return createClerkClient({
    apiUrl: standIn.url,
    secretKey: standIn.secret_key,
    publishableKey: standIn.publishable_key,
    telemetry: { disabled: true },
    ...changes,
  });
}

/** What Clerk's client makes of a request with this token. */
function authenticate(token, acceptsToken, options = {}, judge = clerk) {
  const request = new Request('http://127.0.0.1/resource', {
    headers: { authorization: `Bearer ${token}` },
  });
  // a key set is cached by the client for minutes: always look
  return judge.authenticateRequest(request, {
    acceptsToken,
    skipJwksCache: true,
    ...options,
  });
}

async function accepted(token, kind, options, judge) {
  const state = await authenticate(token, kind, options, judge);
  assert.equal(state.isAuthenticated, true, `${state.reason}`);
  return state.toAuth();
}

async function refused(token, kind, options, judge) {
  const state = await authenticate(token, kind, options, judge);
  assert.equal(state.isAuthenticated, false);
  return state.reason;
}

const calls = (endpoint) => standIn.order('calls', { endpoint });

// -- OAuth access tokens -----------------------------------------------------

test('an opaque OAuth token is read', async () => {
  const token = await standIn.mint('oauth_token', {
    scopes: ['profile', 'mcp:read'],
  });
  const seen = await calls('oauth_verify');
  const auth = await accepted(token, 'oauth_token');
  assert.equal(auth.tokenType, 'oauth_token');
  assert.equal(auth.userId, standIn.user_id);
  assert.equal(auth.clientId, standIn.client_id);
  assert.deepEqual(auth.scopes, ['profile', 'mcp:read']);
  assert.match(auth.id, /^oat_[0-9a-f]{32}$/);
  assert.equal(await calls('oauth_verify'), seen + 1);
});

test('a revoked, an expired and an unknown OAuth token are refused', async () => {
  const revoked = await standIn.mint('oauth_token');
  await accepted(revoked, 'oauth_token');
  await standIn.order('revoke', { token: revoked });
  assert.equal(await refused(revoked, 'oauth_token'), 'token-invalid');
  const expired = await standIn.mint('oauth_token', { expires_in: -1 });
  assert.equal(await refused(expired, 'oauth_token'), 'token-invalid');
  assert.equal(await refused('oat_neverissued', 'oauth_token'), 'token-invalid');
});

test('the audience of an opaque OAuth token is compared', async () => {
  const audience = 'https://api.example.com/mcp';
  const token = await standIn.mint('oauth_token', { aud: [audience] });
  await accepted(token, 'oauth_token', { audience });
  const elsewhere = { audience: 'https://elsewhere.example.com' };
  await refused(token, 'oauth_token', elsewhere);
  const free = await standIn.mint('oauth_token');
  await refused(free, 'oauth_token', { audience });
});

test('a JWT OAuth token is verified by its signature', async () => {
  for (const typ of ['at+jwt', 'application/at+jwt']) {
    const token = await standIn.mint('oauth_jwt', {
      scopes: ['profile', 'email'],
      header: { typ },
    });
    const seen = await calls('oauth_verify');
    const auth = await accepted(token, 'oauth_token');
    assert.equal(auth.userId, standIn.user_id);
    assert.equal(auth.clientId, standIn.client_id);
    assert.deepEqual(auth.scopes, ['profile', 'email']);
    assert.equal(await calls('oauth_verify'), seen);
  }
});

test('wrong JWT OAuth tokens are refused', async () => {
  const wrong = [
    { key: 'other' },
    { key: 'pem' },
    { alg: 'none' },
    { expires_in: -60 },
    { header: { kid: 'ins_unknown' } },
    { claims: { sub: null } },
    { claims: { exp: 'tomorrow' } },
  ];
  for (const wish of wrong) {
    const token = await standIn.mint('oauth_jwt', wish);
    assert.ok(await refused(token, 'oauth_token'), JSON.stringify(wish));
  }
});

// -- machines and API keys ------------------------------------------------------

test('an opaque M2M token is read', async () => {
  const token = await standIn.mint('m2m_token', { claims: { env: 'prod' } });
  const auth = await accepted(token, 'm2m_token');
  assert.equal(auth.tokenType, 'm2m_token');
  assert.equal(auth.machineId, standIn.sender_id);
  assert.equal(auth.subject, standIn.sender_id);
  assert.deepEqual(auth.scopes, [standIn.machine_id]);
  assert.deepEqual(auth.claims, { env: 'prod' });
});

test('the machine secret verifies what is addressed to the machine', async () => {
  const machineSecretKey = standIn.machine_secret_key;
  const mine = await standIn.mint('m2m_token');
  const verified = await clerk.m2m.verify({ token: mine, machineSecretKey });
  assert.equal(verified.subject, standIn.sender_id);
  const foreign = await standIn.mint('m2m_token', { scopes: ['mch_else'] });
  await assert.rejects(clerk.m2m.verify({ token: foreign, machineSecretKey }));
});

test('a JWT M2M token is verified by its signature', async () => {
  const token = await standIn.mint('m2m_jwt');
  const seen = await calls('m2m_verify');
  const auth = await accepted(token, 'm2m_token');
  assert.equal(auth.machineId, standIn.sender_id);
  assert.deepEqual(auth.scopes, [standIn.machine_id]);
  assert.equal(await calls('m2m_verify'), seen);
});

test('a revoked M2M token and one of another signature are refused', async () => {
  const token = await standIn.mint('m2m_token');
  await standIn.order('revoke', { token });
  assert.equal(await refused(token, 'm2m_token'), 'token-invalid');
  const forged = await standIn.mint('m2m_jwt', { key: 'other' });
  assert.ok(await refused(forged, 'm2m_token'));
});

test('an API key is read, of a user and of an organization', async () => {
  const token = await standIn.mint('api_key', {
    scopes: ['read:data'],
    name: 'Nightly',
    claims: { plan: 'pro' },
  });
  const auth = await accepted(token, 'api_key');
  assert.equal(auth.tokenType, 'api_key');
  assert.equal(auth.userId, standIn.user_id);
  assert.equal(auth.name, 'Nightly');
  assert.deepEqual(auth.scopes, ['read:data']);
  assert.deepEqual(auth.claims, { plan: 'pro' });

  const ofOrg = await standIn.mint('api_key', { subject: 'org_2abc' });
  const org = await accepted(ofOrg, 'api_key');
  assert.equal(org.orgId, 'org_2abc');
  assert.equal(org.userId, null);
});

test('a revoked API key is refused', async () => {
  const token = await standIn.mint('api_key');
  await standIn.order('revoke', { token });
  assert.equal(await refused(token, 'api_key'), 'token-invalid');
});

// -- session tokens ----------------------------------------------------------------

test('a session token of version 2 is read', async () => {
  const token = await standIn.mint('session_token', {
    claims: {
      o: { id: 'org_2abc', slg: 'acme', rol: 'admin', per: 'manage,read', fpm: '3,2' },
      fea: 'o:dashboard,o:teams',
      pla: 'o:pro',
    },
  });
  const auth = await accepted(token, 'session_token');
  assert.equal(auth.tokenType, 'session_token');
  assert.equal(auth.userId, standIn.user_id);
  assert.match(auth.sessionId, /^sess_/);
  assert.equal(auth.orgId, 'org_2abc');
  assert.equal(auth.orgSlug, 'acme');
  assert.equal(auth.orgRole, 'org:admin');
  assert.deepEqual(auth.orgPermissions, [
    'org:dashboard:manage',
    'org:dashboard:read',
    'org:teams:read',
  ]);
  assert.equal(auth.has({ feature: 'org:teams' }), true);
});

test('a session token of version 1 is read', async () => {
  const token = await standIn.mint('session_token_v1', {
    claims: {
      org_id: 'org_2abc',
      org_slug: 'acme',
      org_role: 'org:admin',
      org_permissions: ['org:dashboard:read'],
    },
  });
  const auth = await accepted(token, 'session_token');
  assert.equal(auth.userId, standIn.user_id);
  assert.equal(auth.orgRole, 'org:admin');
  assert.deepEqual(auth.orgPermissions, ['org:dashboard:read']);
});

test('with the PEM no key set is fetched', async () => {
  const { pem } = await standIn.order('keys');
  const judge = client({ jwtKey: pem });
  const token = await standIn.mint('session_token');
  const seen = await calls('bapi_jwks');
  const auth = await accepted(token, 'session_token', {}, judge);
  assert.equal(auth.userId, standIn.user_id);
  assert.equal(await calls('bapi_jwks'), seen);
});

test('wrong session tokens are refused', async () => {
  const wrong = [
    [
      'session_token',
      { expires_in: -60 },
      'session-token-expired-refresh-non-eligible-no-refresh-cookie',
    ],
    ['session_token', { claims: { nbf: 4102444800 } }, 'session-token-nbf'],
    ['session_token', { key: 'other' }, 'token-invalid-signature'],
    ['session_token', { alg: 'none' }, 'token-invalid-algorithm'],
  ];
  for (const [kind, wish, reason] of wrong) {
    const token = await standIn.mint(kind, wish);
    assert.equal(await refused(token, 'session_token'), reason);
  }
  const template = await standIn.mint('template_jwt');
  assert.ok(await refused(template, 'session_token'));
});

test('authorized parties are compared', async () => {
  const token = await standIn.mint('session_token', {
    azp: 'https://app.example.com',
  });
  await accepted(token, 'session_token', {
    authorizedParties: ['https://app.example.com'],
  });
  await refused(token, 'session_token', {
    authorizedParties: ['https://elsewhere.example.com'],
  });
});

// -- kinds, keys and failures -----------------------------------------------------

test('a token of another kind is refused without a call', async () => {
  const tokens = {
    oauth_token: await standIn.mint('oauth_token'),
    m2m_token: await standIn.mint('m2m_token'),
    api_key: await standIn.mint('api_key'),
  };
  await standIn.order('reset');
  for (const accepts of Object.keys(tokens)) {
    for (const [kind, token] of Object.entries(tokens)) {
      if (kind !== accepts) {
        assert.equal(await refused(token, accepts), 'token-type-mismatch');
      }
    }
  }
  assert.equal(await calls(), 0);
});

test('any kind is told apart', async () => {
  for (const kind of ['oauth_token', 'm2m_token', 'api_key', 'session_token']) {
    const auth = await accepted(await standIn.mint(kind), 'any');
    assert.equal(auth.tokenType, kind);
  }
});

test('after a rotation with overlap old and new keys verify', async () => {
  const old = await standIn.mint('session_token');
  await standIn.order('rotate_keys');
  await accepted(old, 'session_token');
  await accepted(await standIn.mint('session_token'), 'session_token');
});

test('after a rotation without overlap only the new key verifies', async () => {
  // one whose keys the client has not seen: it never forgets any
  const fresh = await startStandIn();
  try {
    const judge = client({ apiUrl: fresh.url, secretKey: fresh.secret_key });
    const old = await fresh.mint('session_token');
    await fresh.order('rotate_keys', { overlap: false });
    const reason = await refused(old, 'session_token', {}, judge);
    assert.equal(reason, 'jwk-kid-mismatch');
    const token = await fresh.mint('session_token');
    await accepted(token, 'session_token', {}, judge);
  } finally {
    await fresh.stop();
  }
});

test('a wrong secret key is known as one', async () => {
  const judge = client({ secretKey: 'sk_test_wrong' });
  for (const kind of ['oauth_token', 'm2m_token', 'api_key']) {
    const token = await standIn.mint(kind);
    const reason = await refused(token, kind, {}, judge);
    assert.equal(reason, 'secret-key-invalid');
  }
});

test('a failing Clerk is not taken for a bad token', async () => {
  const token = await standIn.mint('oauth_token');
  await standIn.order('fault', {
    endpoint: 'oauth_verify',
    kind: 'status',
    code: 429,
    retry_after: 3,
  });
  assert.equal(await refused(token, 'oauth_token'), 'unexpected-error');
});

test('the client speaks a version that the stand-in knows', async () => {
  await standIn.order('reset');
  await accepted(await standIn.mint('oauth_token'), 'oauth_token');
  const [request] = await standIn.order('requests', {
    endpoint: 'oauth_verify',
  });
  const headers = new Map(request.headers.map(([n, v]) => [n.toLowerCase(), v]));
  assert.equal(headers.get('clerk-api-version'), '2026-05-12');
  assert.equal(headers.get('content-type'), 'application/json');
  assert.match(headers.get('authorization'), /^Bearer sk_test_/);
});
