// A client that trusts nothing but the discovery document: oauth4webapi (OpenID certified) uses every endpoint of identity.
// Reads its orders as JSON from standard input, prints what it saw as JSON; any answer that breaks a specification throws.
import { webcrypto } from 'node:crypto';
import { text } from 'node:stream/consumers';

globalThis.crypto ??= webcrypto; // Node 18
const oauth = await import('oauth4webapi');

const orders = JSON.parse(await text(process.stdin));
const issuer = new URL(orders.issuer);
const seen = {};

async function discover(algorithm) {
  const response = await oauth.discoveryRequest(issuer, { algorithm });
  return oauth.processDiscoveryResponse(issuer, response);
}

async function privateKey({ pkcs8, algorithm }) {
  const parameters = algorithm === 'ES256' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  return crypto.subtle.importKey('pkcs8', Buffer.from(pkcs8, 'base64'), parameters, false, ['sign']);
}

async function token(as, id, authentication, parameters = {}) {
  const client = { client_id: id };
  const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, new URLSearchParams(parameters));
  return oauth.processClientCredentialsResponse(as, client, response);
}

async function introspect(as, id, authentication, accessToken) {
  const client = { client_id: id };
  return oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, authentication, accessToken));
}

async function revoke(as, id, authentication, accessToken) {
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, { client_id: id }, authentication, accessToken));
}

async function refusal(action) {
  try {
    await action();
    return 'none';
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) return `${error.status} ${error.error}`;
    if (error instanceof oauth.WWWAuthenticateChallengeError) return `${error.status} ${error.response.headers.get('www-authenticate')}`;
    throw error;
  }
}

// Both documents are valid for the library, and the same.
const as = await discover('oidc');
seen.documentsAgree = JSON.stringify(as) === JSON.stringify(await discover('oauth2'));

const ways = {
  client_secret_basic: [orders.secretClient.id, oauth.ClientSecretBasic(orders.secretClient.secret)],
  client_secret_post: [orders.secretClient.id, oauth.ClientSecretPost(orders.secretClient.secret)],
};
for (const signer of orders.signingClients) ways[`private_key_jwt ${signer.algorithm}`] = [signer.id, oauth.PrivateKeyJwt(await privateKey(signer))];

seen.ways = {};
for (const [way, [id, authentication]] of Object.entries(ways)) {
  const issued = await token(as, id, authentication, { scope: orders.scope });
  const asked = new Request(orders.issuer, { headers: { authorization: `Bearer ${issued.access_token}` } });
  const claims = await oauth.validateJwtAccessToken(as, asked, orders.audience); // RFC 9068, with the keys of jwks_uri
  const active = await introspect(as, id, authentication, issued.access_token);
  await revoke(as, id, authentication, issued.access_token);
  const after = await introspect(as, id, authentication, issued.access_token);
  seen.ways[way] = { subject: claims.sub, scope: claims.scope, active: active.active, introspectedScope: active.scope, afterRevocation: after };
}

const [secretId, secretAuthentication] = ways.client_secret_basic;
seen.unknownToken = await introspect(as, secretId, secretAuthentication, 'unknown');
const user = await oauth.userInfoRequest(as, { client_id: secretId }, orders.personalAccessToken);
seen.userinfo = await oauth.processUserInfoResponse(as, { client_id: secretId }, oauth.skipSubjectCheck, user);
seen.refusals = {
  wrongSecret: await refusal(() => token(as, secretId, oauth.ClientSecretPost('x'.repeat(40)))),
  wrongScope: await refusal(() => token(as, secretId, secretAuthentication, { scope: 'users.write' })),
  wrongSecretAtIntrospection: await refusal(() => introspect(as, secretId, oauth.ClientSecretBasic('x'.repeat(40)), 'unknown')),
};
console.log(JSON.stringify(seen));
