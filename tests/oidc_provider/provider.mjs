// An OpenID provider for tests: `oidc-provider`, over HTTPS on loopback, with people and misbehaviour as the test asks for.
//
//   node provider.mjs PORT CERTIFICATE KEY CLIENTS.json
//
// The test writes to its standard input, one JSON object per line, and reads one line per answer. People sign in by the
// header `x-sign-in-as` on the page of the interaction, which stands for whatever a hospital has there.
import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';
import { SignJWT, UnsecuredJWT, importJWK } from 'jose';

const [port, certificate, key, clientsFile] = process.argv.slice(2);
const issuer = `https://127.0.0.1:${port}`;
const people = new Map();
const settings = { wrong: null };
const served = { requests: 0 };

function makeKey(kind, kid) {
  const pair = kind === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : kind === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519');
  return { ...pair.privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: kind };
}

// Programs sign in for themselves where there are such clients: then access tokens are signed ones (RFC 9068), for whom `resource` names.
const clients = JSON.parse(readFileSync(clientsFile));
const programs = clients.some((client) => client.grant_types?.includes('client_credentials'));

let signing = [makeKey('RS256', 'first')];
let provider;
let handle;

function make() {
  provider = new Provider(issuer, {
    clients: clients.map((client) => ({ ...client, id_token_signed_response_alg: signing[0].alg })),
    jwks: { keys: signing },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    conformIdTokenClaims: false,
    claims: { openid: ['sub', 'acr', 'amr'], profile: ['preferred_username', 'groups'], auth_time: null, iss: null, sid: null },
    acrValues: ['urn:one', 'urn:two'],
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true },
      ...(programs && { clientCredentials: { enabled: true }, dPoP: { enabled: true }, resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async (_, resource) => ({
          scope: 'search view export', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: signing[0].alg } },
        }),
      } }) },
    pkce: { required: () => true },
    cookies: { keys: ['a key of the test'] },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, IdToken: 600, AccessToken: 600 },
    // Without its guard against calls to addresses of this machine: we are on one.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    async findAccount(_, sub) {
      const person = people.get(sub) ?? {};
      return { accountId: sub, claims: async () => ({ sub, ...person.claims }) };
    },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    served.requests += 1;
    if (ctx.path.startsWith('/interaction/')) {
      const sub = ctx.get('x-sign-in-as');
      const person = people.get(sub);
      if (!person) { ctx.status = 403; ctx.body = 'nobody'; return; }
      const result = { login: { accountId: sub, amr: person.amr, acr: person.acr } };
      await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
      ctx.respond = false;
      return;
    }
    await next();
    if (ctx.path === '/token' && settings.wrong && ctx.body?.id_token) ctx.body.id_token = await spoil(ctx.body.id_token);
  });
  provider.on('backchannel.error', (_, error) => console.error(error));
  provider.on('server_error', (_, error) => console.error(error));
  handle = provider.callback();
}

// What the test says instead of the provider, signed by the present key unless it says otherwise.
async function sign(claims, { header = {}, keyOf = signing[0] } = {}) {
  const private_key = await importJWK(keyOf, keyOf.alg);
  return new SignJWT(claims).setProtectedHeader({ alg: keyOf.alg, kid: keyOf.kid, ...header }).sign(private_key);
}

async function spoil(token) {
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  const changed = { ...claims, ...settings.wrong.claims };
  for (const name of settings.wrong.without ?? []) delete changed[name];
  if (settings.wrong.unsigned) return new UnsecuredJWT(changed).encode();
  if (settings.wrong.secret) {
    return new SignJWT(changed).setProtectedHeader({ alg: 'HS256', kid: signing[0].kid }).sign(Buffer.from(settings.wrong.secret));
  }
  return sign(changed, { keyOf: settings.wrong.strange ? { ...makeKey('RS256', signing[0].kid) } : signing[0] });
}

make();
createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => handle(request, response))
  .listen(Number(port), '127.0.0.1', () => console.log(JSON.stringify({ issuer })));

for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  let answer = {};
  if (said.person) people.set(said.person.sub, said.person);
  if ('wrong' in said) settings.wrong = said.wrong;
  if (said.rotate) { signing = [makeKey(said.rotate, randomUUID())]; make(); }
  if (said.requests) answer = { requests: served.requests };
  if (said.logout) {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer, aud: 'yingdun', iat: now, exp: now + 120, jti: randomUUID(),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, ...said.logout.claims,
    };
    for (const name of said.logout.without ?? []) delete claims[name];
    answer = { token: await sign(claims, { header: { typ: 'logout+jwt' } }) };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
