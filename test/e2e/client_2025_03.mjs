// A client of protocol version 2025-03-26: the last SDK before RFC 9728.  It looks
// for the authorization server's metadata at the origin of the MCP server, knows
// neither `resource` nor the challenge's `scope`, and registers without scopes.

import { Client } from 'mcp-sdk-of-2025-03/client/index.js';
import { StreamableHTTPClientTransport } from
  'mcp-sdk-of-2025-03/client/streamableHttp.js';

import { obey } from './driver.mjs';

obey({
  makeClient: () => new Client({ name: '2025-03', version: '1.0.0' }),
  makeTransport: (url, settings) =>
    new StreamableHTTPClientTransport(url, settings),
  finish: (transport, callback) => transport.finishAuth(callback.get('code')),
  callTool: (client, params, options) =>
    client.callTool(params, undefined, options),
  version: () => undefined,
});
