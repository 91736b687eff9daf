// The newest client of the SDK's second line, @modelcontextprotocol/client.  The
// option `negotiation` is the SDK's own: auto, legacy, or {pin: version}.

import {
  Client,
  discoverOAuthServerInfo,
  registerClient,
  resolveClientMetadata,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';

import { obey } from './driver.mjs';

obey({
  makeClient: ({ negotiation = 'auto' }) =>
    new Client(
      { name: 'v2', version: '1.0.0' },
      { versionNegotiation: { mode: negotiation } },
    ),
  makeTransport: (url, settings) =>
    new StreamableHTTPClientTransport(url, settings),
  finish: (transport, callback) => transport.finishAuth(callback),
  callTool: (client, params, options) => client.callTool(params, options),
  version: (client) => client.getNegotiatedProtocolVersion(),
  /** Registration with exactly the client's own metadata. */
  async register(keeper) {
    const found = await discoverOAuthServerInfo(keeper.options.url);
    const known = await registerClient(found.authorizationServerUrl, {
      metadata: found.authorizationServerMetadata,
      clientMetadata: resolveClientMetadata(keeper),
    });
    keeper.saveClientInformation({
      ...known,
      issuer: found.authorizationServerMetadata.issuer,
    });
  },
});
