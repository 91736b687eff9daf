// What Clerk's own client says of many tokens: questions as JSON on standard
// input, answers as JSON on standard output.
//
// { api_url, secret_key, machine_secret_key, publishable_key,
//   questions: [{ token, accepts, times: [milliseconds since 1970, …] }] }
//
// Each question is asked once for each of its times, with the clock standing
// at that time, and so has as many answers.

import { text } from 'node:stream/consumers';

import { createClerkClient } from '@clerk/backend';

const CLOCK_SKEW = 5000;

const input = JSON.parse(await text(process.stdin));
const clerk = createClerkClient({
  apiUrl: input.api_url,
  secretKey: input.secret_key,
  machineSecretKey: input.machine_secret_key,
  publishableKey: input.publishable_key,
  telemetry: { disabled: true },
});

async function ask(token, acceptsToken) {
  const request = new Request('http://127.0.0.1/resource', {
    headers: { authorization: `Bearer ${token}` },
  });
  const state = await clerk.authenticateRequest(request, {
    acceptsToken,
    clockSkewInMs: CLOCK_SKEW,
  });
  if (!state.isAuthenticated) {
    return { accepted: false, reason: `${state.reason}` };
  }
  return described(state);
}

// A session that is pending is signed in for the state, and signed out for
// the application, which is what counts.
function described(state) {
  let auth;
  try {
    auth = state.toAuth();
  } catch (error) {
    return { accepted: true, threw: error.message };
  }
  if (!auth.isAuthenticated) {
    return { accepted: false, reason: 'signed out for the application' };
  }
  return {
    accepted: true,
    kind: auth.tokenType,
    subject: auth.subject ?? auth.userId,
    organization: auth.orgId ?? null,
    permissions: auth.orgPermissions ?? null,
  };
}

const clock = Date.now;
const answers = [];
for (const { token, accepts, times } of input.questions) {
  const verdicts = [];
  for (const time of times) {
    Date.now = () => time;
    try {
      verdicts.push(await ask(token, accepts));
    } catch (error) {
      verdicts.push({ accepted: false, reason: `threw: ${error.message}` });
    }
  }
  answers.push(verdicts);
}
Date.now = clock;
process.stdout.write(JSON.stringify(answers));
