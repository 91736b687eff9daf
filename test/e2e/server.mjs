// An MCP server that knows nothing of authentication: the SDK's own server with
// its own streamable HTTP, on 127.0.0.1.  It serves every protocol version that
// the SDK can: those with sessions, and 2026-07-28, which has none.
//
// usage: server.mjs [--port N] [--trace]
//
// One JSON line says that it is ready: {"url": …}.  With --trace one more line
// follows for each request that has ended.  It ends with its standard input, or
// at SIGTERM.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  fromJsonSchema,
  isLegacyRequest,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';

const PATH = '/mcp';
const RETRY_MS = 200; // after which a client comes back whose stream was closed
// How often a stream without news is written to. A proxy in front sees only then
// that its client has gone, and this server only then learns of it.
const KEEP_ALIVE_MS = 500;

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    trace: { type: 'boolean', default: false },
  },
});

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const text = (value) => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
});

/** Labels of the calls that were cancelled, in all sessions. */
const cancelled = [];

const sleep = (milliseconds) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** After a while: true; at once, if the call is cancelled: false. */
function undisturbed(milliseconds, label, { mcpReq: { signal } }) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      cancelled.push(label);
      resolve(false);
    });
  });
}

// -- the tools -----------------------------------------------------------------

const number = { type: 'number' };
const string = { type: 'string' };
const schema = (properties) => fromJsonSchema({ type: 'object', properties });

/** Tells progress at every step; the client sees whether it is held up. */
async function count({ to = 3, every = 100, label = '' }, ctx) {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  for (let step = 1; step <= to; step++) {
    if (!(await undisturbed(every, label, ctx))) break;
    if (progressToken !== undefined) {
      await ctx.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress: step, total: to },
      });
    }
  }
  return text({ counted: to });
}

function makeServer() {
  const server = new McpServer(
    { name: 'end-to-end', version: '1.0.0' },
    { capabilities: { logging: {} } },
  );
  const tool = (name, description, properties, run) =>
    server.registerTool(
      name,
      { description, inputSchema: schema(properties) },
      run,
    );

  tool('whoami', 'The header fields that the server was sent', {}, (_, ctx) =>
    text(shown(ctx.http.req.headers)),
  );
  tool(
    'count',
    'Counts slowly',
    { to: number, every: number, label: string },
    count,
  );
  tool('admin', 'What not everybody may do', {}, () => text({ done: true }));
  tool(
    'wait',
    'Says nothing for a while',
    { milliseconds: number, label: string },
    async ({ milliseconds = 1000, label = '' }, ctx) =>
      text({ slept: await undisturbed(milliseconds, label, ctx) }),
  );
  tool('cancelled', 'Which calls were cancelled', {}, () => text(cancelled));
  tool(
    'announce',
    "Later sends a message on the session's own stream",
    { after: number, message: string },
    ({ after = 0, message = '' }) => {
      setTimeout(() => {
        const params = { level: 'info', data: message };
        server.server
          .notification({ method: 'notifications/message', params })
          .catch((error) => console.error(error));
      }, after);
      return text({ announced: true });
    },
  );
  tool(
    'interrupt',
    'Closes the stream of this call before it has answered',
    { after: number },
    async ({ after = 100 }, ctx) => {
      ctx.http.closeSSE?.();
      await sleep(after);
      return text({ interrupted: true });
    },
  );
  return server;
}

// -- protocol versions with sessions --------------------------------------------

/** What was sent on a session's streams, for clients that come back. */
class Events {
  #events = [];

  async storeEvent(stream, message) {
    this.#events.push({ stream, message });
    return String(this.#events.length);
  }

  async getStreamIdForEventId(id) {
    return this.#events[Number(id) - 1]?.stream;
  }

  async replayEventsAfter(id, { send }) {
    const stream = await this.getStreamIdForEventId(id);
    for (const [index, event] of this.#events.entries()) {
      const isMessage = Object.keys(event.message).length > 0;
      if (index >= Number(id) && event.stream === stream && isMessage) {
        await send(String(index + 1), event.message);
      }
    }
    return stream;
  }
}

const sessions = new Map();

async function openSession() {
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new Events(),
    retryInterval: RETRY_MS,
    keepAliveMs: KEEP_ALIVE_MS,
    onsessioninitialized: (id) => sessions.set(id, transport),
    onsessionclosed: (id) => sessions.delete(id),
  });
  await makeServer().connect(transport);
  return transport;
}

async function withSession(request) {
  const id = request.headers.get('mcp-session-id');
  const transport = id === null ? await openSession() : sessions.get(id);
  if (transport !== undefined) return transport.handleRequest(request);
  const error = { code: -32001, message: 'Session not found' };
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 });
}

// -- all versions ----------------------------------------------------------------

const withoutSession = createMcpHandler(makeServer, {
  legacy: 'reject',
  responseMode: 'sse',
  keepAliveMs: KEEP_ALIVE_MS,
});

async function answer(request) {
  if (new URL(request.url).pathname !== PATH) {
    return new Response('not here\n', { status: 404 });
  }
  return (await isLegacyRequest(request))
    ? withSession(request)
    : withoutSession.fetch(request);
}

const handle = toNodeHandler({ fetch: answer }, { onerror: console.error });

/** Header fields as they came, but for what must not be repeated. */
function shown(headers) {
  const fields = Object.fromEntries(headers);
  if (fields.authorization !== undefined) fields.authorization = 'present';
  return fields;
}

function trace(request, response) {
  const began = Date.now();
  response.on('close', () =>
    say({
      method: request.method,
      url: request.url,
      headers: shown(Object.entries(request.headers)),
      status: response.statusCode,
      whole: response.writableFinished,
      milliseconds: Date.now() - began,
    }),
  );
}

const server = createServer((request, response) => {
  if (options.trace) trace(request, response);
  handle(request, response);
});

server.listen(Number(options.port), '127.0.0.1', () =>
  say({ url: `http://127.0.0.1:${server.address().port}${PATH}` }),
);

const end = () => process.exit(0);
process.on('SIGTERM', end);
process.stdin.on('end', end).resume();
