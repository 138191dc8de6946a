// An OpenID provider on loopback, as a campus would run one: oidc-provider (OpenID certified). It signs in, without asking, whoever the test
// named last with POST /as/{account}. Its people and clients are its only argument, as JSON; its address is its first line of output.
// It ends when its standard input is closed.
import { webcrypto } from 'node:crypto';
import { createServer } from 'node:http';

globalThis.crypto ??= webcrypto; // Node 18
const { default: Provider } = await import('oidc-provider');
const { exportJWK, generateKeyPair } = await import('jose');

const { accounts, clients, audience } = JSON.parse(process.argv[2]);
let current = Object.keys(accounts)[0];

const server = createServer();
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const keys = await Promise.all(['ES256', 'RS256'].map(async alg => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig' };
}));
const claims = [...new Set(Object.values(accounts).flatMap(Object.keys))];

const provider = new Provider(issuer, {
  clients,
  jwks: { keys },
  claims: { openid: ['sub'], profile: claims },
  cookies: { keys: ['a key of a test'] },
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
  extraTokenClaims: (_, token) => accounts[token.accountId],
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'openid profile usage.read users.write', audience, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } }),
    },
  },
  async loadExistingGrant(ctx) {
    const { client, session, params } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(params.scope);
    if (params.resource) grant.addResourceScope(params.resource, params.scope);
    await grant.save();
    return grant;
  },
});

// The port of the site is not known before it starts: any of its callbacks will do.
provider.Client.prototype.redirectUriAllowed = uri => /^https:\/\/localhost:\d+\/login\/with\/[a-z-]+\/callback$/.test(uri) || uri === 'https://client.example.org/cb';

const oidc = provider.callback();
server.on('request', async (request, response) => {
  const [, first, second] = request.url.split('/');
  if (first === 'as') {
    current = second;
    response.end();
  } else if (first === 'interaction') {
    await provider.interactionFinished(request, response, current === 'nobody' ? { error: 'access_denied' } : { login: { accountId: current } });
  } else {
    oidc(request, response);
  }
});
process.stdin.on('end', () => process.exit(0)).resume();
console.log(issuer);
