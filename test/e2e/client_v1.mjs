// The newest client of the SDK's first line, @modelcontextprotocol/sdk 1.x.

import {
  discoverOAuthServerInfo,
  registerClient,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from
  '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { obey } from './driver.mjs';

obey({
  makeClient: () => new Client({ name: 'v1', version: '1.0.0' }),
  makeTransport: (url, settings) =>
    new StreamableHTTPClientTransport(url, settings),
  finish: (transport, callback) => transport.finishAuth(callback.get('code')),
  callTool: (client, params, options) =>
    client.callTool(params, undefined, options),
  version: (_, transport) => transport.protocolVersion,
  /** Registration with exactly the client's own metadata. */
  async register(keeper) {
    const found = await discoverOAuthServerInfo(keeper.options.url);
    const known = await registerClient(found.authorizationServerUrl, {
      metadata: found.authorizationServerMetadata,
      clientMetadata: keeper.clientMetadata,
    });
    keeper.saveClientInformation({
      ...known,
      issuer: found.authorizationServerUrl,
    });
  },
});
