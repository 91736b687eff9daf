// Puts an SDK's client under orders: JSON lines in, one answer line out for each.
//
// Owns the user's side of the OAuth dance (a user who agrees at once), the memory
// of what the SDK hands over to be kept, and the record of every HTTP request that
// the SDK makes.  All else that goes over the wire is the SDK's own doing.
//
// Tokens and secrets are told by their fingerprints only.

import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

import { browserFetch } from './browser.mjs';

const CALLBACK = 'http://127.0.0.1:8976/callback';
const SECRET =
  /^(access_token|refresh_token|client_secret|code|code_verifier|id_token)$/;

const fingerprint = (secret) =>
  createHash('sha256').update(secret).digest('hex').slice(0, 16);

// -- what goes over the wire -----------------------------------------------------

let recorded = [];

/** The requests that were answered since the last time; others stay. */
function takeRecorded() {
  const answered = recorded.filter((entry) => entry.status !== undefined);
  recorded = recorded.filter((entry) => entry.status === undefined);
  return answered;
}

/** Parameters of a form, a query or a JSON body, in the clear but for secrets. */
function parameters(url, headers, body) {
  const type = headers.get('content-type') ?? '';
  let pairs = [...url.searchParams];
  if (type.startsWith('application/x-www-form-urlencoded')) {
    pairs = [...new URLSearchParams(body)];
  } else if (type.startsWith('application/json')) {
    const { method, ...rest } = JSON.parse(body);
    pairs = rest.jsonrpc ? [['method', method]] : Object.entries(rest);
  }
  return Object.fromEntries(
    pairs.map(([name, value]) => [
      name,
      SECRET.test(name) ? fingerprint(String(value)) : value,
    ]),
  );
}

function chosen(headers, pattern) {
  return Object.fromEntries([...headers].filter(([name]) => pattern.test(name)));
}

/** fetch that remembers: it changes neither request nor response. */
function recording(realFetch) {
  return async (input, init = {}) => {
    const url = new URL(input.url ?? input);
    const headers = new Headers(init.headers ?? input.headers);
    const bearer = /^Bearer (.+)$/.exec(headers.get('authorization') ?? '');
    const entry = {
      method: init.method ?? input.method ?? 'GET',
      origin: url.origin,
      path: url.pathname,
      token: bearer && fingerprint(bearer[1]),
      headers: chosen(headers, /^(mcp-|last-event-id|accept$)/),
      parameters: parameters(url, headers, init.body?.toString()),
    };
    recorded.push(entry);
    const response = await realFetch(input, init).catch((error) => {
      entry.status = null; // no answer at all
      throw error;
    });
    entry.status = response.status;
    entry.challenge = response.headers.get('www-authenticate');
    entry.answer = chosen(response.headers, /^(access-control-|retry-after|vary)/);
    return response;
  };
}

// -- what the SDK wants kept, and the user ----------------------------------------

/** An OAuthClientProvider, as all the SDK's versions understand it. */
class Keeper {
  constructor(options, navigate) {
    this.options = options;
    this.navigate = navigate;
    this.client = options.client;
    this.clientMetadataUrl = options.client_metadata_url;
    this.invalidated = [];
    this.redirections = 0;
    if (options.resource === false) this.validateResourceURL = async () => undefined;
  }

  get redirectUrl() {
    return CALLBACK;
  }

  get clientMetadata() {
    const { scope, grant_types } = this.options;
    return {
      client_name: 'End to end',
      redirect_uris: [CALLBACK],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...(scope !== undefined && { scope }),
      ...(grant_types !== undefined && { grant_types }),
    };
  }

  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.kept;
  saveTokens = (tokens) => void (this.kept = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  discoveryState = () => this.discovered;
  saveDiscoveryState = (state) => void (this.discovered = state);

  invalidateCredentials(what) {
    this.invalidated.push(what);
    if (what === 'all' || what === 'tokens') this.kept = undefined;
    if (what === 'all' || what === 'client') this.client = undefined;
    if (what === 'all' || what === 'discovery') this.discovered = undefined;
  }

  /** The user's browser: it follows the one redirection, back to the client. */
  async redirectToAuthorization(url) {
    this.redirections += 1;
    const response = await this.navigate(url, { redirect: 'manual' });
    const location = response.headers.get('location');
    if (!location?.startsWith(CALLBACK)) {
      throw new Error(`no way back from ${url.origin}: ${response.status}`);
    }
    this.callback = new URL(location).searchParams;
  }

  /** What came back to the client with the user, once. */
  takeCallback() {
    const callback = this.callback;
    this.callback = undefined;
    if (callback?.get('error')) {
      throw Object.assign(new Error('the authorization was refused'), {
        name: 'AuthorizationRefused',
        code: callback.get('error'),
      });
    }
    return callback;
  }
}

// -- orders ------------------------------------------------------------------------

function told(error) {
  return {
    name: error.constructor.name === 'Error' ? error.name : error.constructor.name,
    code: error.code ?? null,
    status: error.status ?? error.data?.status ?? null,
    message: error.message,
  };
}

/**
 * Carry out orders until standard input ends.
 *
 * `sdk` is what differs between the SDK's versions: makeClient(options),
 * makeTransport(url, settings), finish(transport, callback), callTool(client,
 * params, options), version(client, transport), register(keeper).
 */
export function obey(sdk) {
  const options = JSON.parse(process.argv[2]);
  const navigate = recording(globalThis.fetch);
  globalThis.fetch = options.origin
    ? browserFetch(navigate, options.origin)
    : navigate;
  const keeper = new Keeper(options, navigate);
  const url = new URL(options.url);
  const calls = new Map();
  const notes = [];
  const complaints = [];
  let client;
  let transport;

  function open() {
    client = sdk.makeClient(options);
    client.fallbackNotificationHandler = async (note) =>
      void notes.push({ ...note.params, at: Date.now() });
    client.onerror = (error) => complaints.push(told(error));
    transport = sdk.makeTransport(url, {
      authProvider: keeper,
      requestInit: { headers: options.headers ?? {} },
    });
  }

  /** Try; each time the SDK has sent the user away for it, finish and try again. */
  async function authorized(attempt, again = attempt) {
    for (let next = attempt, tries = 0; ; next = again, tries++) {
      try {
        return await next();
      } catch (error) {
        const callback = keeper.takeCallback();
        const redirected = error.constructor.name === 'UnauthorizedError';
        if (!redirected || !callback || tries === 3) throw error;
        await sdk.finish(transport, callback);
      }
    }
  }

  async function call({ name, args = {}, timeout = 20000 }, signal) {
    const progress = [];
    const result = await sdk.callTool(
      client,
      { name, arguments: args },
      {
        timeout,
        signal,
        onprogress: ({ progress: step }) =>
          progress.push({ step, at: Date.now() }),
      },
    );
    const value = JSON.parse(result.content[0].text);
    return { value, progress, at: Date.now() };
  }

  const orders = {
    async connect() {
      open();
      await authorized(
        () => client.connect(transport),
        () => {
          open();
          return client.connect(transport);
        },
      );
      return {
        server: client.getServerVersion()?.name,
        session: transport.sessionId ?? null,
        version: sdk.version(client, transport) ?? null,
      };
    },
    tools: () =>
      authorized(async () => {
        const { tools } = await client.listTools();
        return tools.map(({ name }) => name);
      }),
    call: (order) => authorized(() => call(order)),
    /** A call that goes on while other orders are carried out. */
    start({ ticket, ...order }) {
      const abort = new AbortController();
      const ended = authorized(() => call(order, abort.signal)).then(
        (value) => ({ value }),
        (error) => ({ error: told(error) }),
      );
      calls.set(ticket, { abort, ended });
      return true;
    },
    cancel({ ticket }) {
      calls.get(ticket).abort.abort('not wanted any more');
      return calls.get(ticket).ended;
    },
    finish: ({ ticket }) => calls.get(ticket).ended,
    register: () => sdk.register(keeper),
    forget: ({ what }) => keeper.invalidateCredentials(what),
    terminate: () => transport.terminateSession(),
    close: () => client.close(),
    state() {
      const { access_token, refresh_token, scope, expires_in } = keeper.kept ?? {};
      return {
        token: access_token ? fingerprint(access_token) : null,
        refreshable: refresh_token !== undefined,
        scope: scope ?? null,
        expires_in: expires_in ?? null,
        client_id: keeper.client?.client_id ?? null,
        registered_scope: keeper.client?.scope ?? null,
        invalidated: keeper.invalidated,
        redirections: keeper.redirections,
        notes,
        complaints,
      };
    },
  };

  async function carryOut({ order, ...rest }) {
    try {
      return { value: (await orders[order](rest)) ?? null };
    } catch (error) {
      return { error: told(error) };
    }
  }

  let turn = Promise.resolve();
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      turn = turn.then(async () => {
        const answer = await carryOut(JSON.parse(line));
        answer.requests = takeRecorded();
        process.stdout.write(`${JSON.stringify(answer)}\n`);
      });
    })
    .on('close', () => process.exit(0));
}
