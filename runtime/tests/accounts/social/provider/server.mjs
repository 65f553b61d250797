// A provider of identities for tests. One issuer is oidc-provider as it is; below /hostile stands another, which answers
// as a broken or wicked one would. Who signs in says the cookie `person`: subject|address|verified, or the name of a wrong.
import { createServer } from "node:http";
import { createPrivateKey, generateKeyPairSync, randomUUID } from "node:crypto";
import { exportJWK, importJWK, SignJWT, UnsecuredJWT } from "jose";
import Provider from "oidc-provider";

const [callback] = process.argv.slice(2);
const SECRET = "a secret/with+signs: and 32 letters";

// By way of PEM: a key that Node.js has just made locks up now and then when it is exported as a JWK, if garbage is
// collected meanwhile.
async function pair(alg, kid) {
  const [type, options] = alg === "RS256" ? ["rsa", { modulusLength: 2048 }] : ["ec", { namedCurve: "P-256" }];
  const publicKeyEncoding = { type: "spki", format: "pem" };
  const privateKeyEncoding = { type: "pkcs8", format: "pem" };
  const { privateKey } = generateKeyPairSync(type, { ...options, publicKeyEncoding, privateKeyEncoding });
  const key = await exportJWK(createPrivateKey(privateKey));
  return { ...key, kid, alg, use: "sig" };
}

const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
const keys = [await pair("RS256", "rsa"), await pair("ES256", "ec")];

const client = (name, id_token_signed_response_alg, token_endpoint_auth_method) => ({
  client_id: name,
  client_secret: SECRET,
  redirect_uris: [callback.replace("NAME", name)],
  id_token_signed_response_alg,
  token_endpoint_auth_method,
});

const provider = new Provider(issuer, {
  clients: [client("rsa", "RS256", "client_secret_basic"), client("ec", "ES256", "client_secret_basic")],
  jwks: { keys },
  cookies: { keys: [randomUUID()] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  pkce: { required: () => true },
  ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => person(id) }),
});

function person(text) {
  const [sub, email, verified] = text.split("|");
  return { sub: text, email: email || undefined, email_verified: verified === "true", name: `Person ${sub}` };
}

function cookie(request, name) {
  const pairs = (request.headers.cookie ?? "").split("; ").map((pair) => pair.split("="));
  return decodeURIComponent(pairs.find(([known]) => known === name)?.[1] ?? "");
}

/// Somebody signs in and agrees without being asked.
async function interact(request, response) {
  const { params, prompt } = await provider.interactionDetails(request, response);
  if (cookie(request, "person") === "no") {
    return provider.interactionFinished(request, response, { error: "access_denied" });
  }
  const accountId = cookie(request, "person");
  if (prompt.name === "login") {
    return provider.interactionFinished(request, response, { login: { accountId } });
  }
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

const wicked = `${issuer}/hostile`;
const other = await pair("RS256", "rsa");

function hostile(request, response, url) {
  const json = (value) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(value));
  };
  switch (url.pathname) {
    case "/hostile/.well-known/openid-configuration":
      return json({
        issuer: wicked,
        authorization_endpoint: `${wicked}/authorize`,
        token_endpoint: `${wicked}/token`,
        jwks_uri: `${wicked}/keys`,
        token_endpoint_auth_methods_supported: ["client_secret_post"],
        authorization_response_iss_parameter_supported: true,
      });
    case "/hostile/keys":
      return json({ keys: keys.map(({ kty, kid, n, e, crv, x, y }) => ({ kty, kid, n, e, crv, x, y })) });
    case "/hostile/authorize": {
      const asked = Object.fromEntries(url.searchParams);
      const wrong = cookie(request, "person");
      const back = new URL(asked.redirect_uri);
      const code = Buffer.from(JSON.stringify({ wrong, nonce: asked.nonce })).toString("base64url");
      back.searchParams.set("code", code);
      back.searchParams.set("state", wrong === "state" ? "another" : asked.state);
      if (wrong !== "no iss") back.searchParams.set("iss", wrong === "iss" ? issuer : wicked);
      response.writeHead(302, { location: back.href });
      return response.end();
    }
    case "/hostile/token": {
      let body = "";
      request.on("data", (piece) => (body += piece));
      return request.on("end", async () => {
        const sent = new URLSearchParams(body);
        const { wrong, nonce } = JSON.parse(Buffer.from(sent.get("code"), "base64url"));
        json({ access_token: "x", token_type: "Bearer", id_token: await token(wrong, nonce, sent.get("client_id")) });
      });
    }
    default:
      response.writeHead(404);
      return response.end();
  }
}

async function token(wrong, nonce, audience) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: wrong === "issuer" ? issuer : wicked,
    sub: wrong === "no subject" ? undefined : "mallory",
    aud: wrong === "audience" ? "another" : wrong === "two audiences" ? [audience, "another"] : audience,
    azp: wrong === "party" ? "another" : undefined,
    exp: wrong === "expired" ? now - 120 : now + 600,
    iat: wrong === "future" ? now + 600 : now - 300,
    auth_time: { "asked anew": now, "long ago": now - 3600 }[wrong],
    nonce: wrong === "nonce" ? "another" : wrong === "no nonce" ? undefined : nonce,
    email: "mallory@example.com",
    email_verified: true,
  };
  if (wrong === "unsigned") return new UnsecuredJWT(claims).encode();
  const sign = (alg, kid, key) => new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key);
  // The classic: the public key, or the secret that the client knows, taken for one that both share.
  if (wrong === "hmac") return sign("HS256", "rsa", new TextEncoder().encode(SECRET));
  if (wrong === "key") return sign("RS256", "rsa", await importJWK(other, "RS256"));
  if (wrong === "no such key") return sign("RS256", "another", await importJWK(other, "RS256"));
  if (wrong === "algorithm") return sign("RS384", "rsa", await importJWK({ ...keys[0], alg: "RS384" }, "RS384"));
  const signed = await sign("RS256", "rsa", await importJWK(keys[0], "RS256"));
  if (wrong !== "changed") return signed;
  const [head, , tail] = signed.split(".");
  return [head, Buffer.from(JSON.stringify({ ...claims, sub: "ada" })).toString("base64url"), tail].join(".");
}

const answer = provider.callback();
server.on("request", (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname.startsWith("/hostile/")) return hostile(request, response, url);
  if (url.pathname.startsWith("/interaction/")) {
    return interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
  }
  return answer(request, response);
});
// The tests end it by closing its input.
process.stdin.resume().on("end", () => process.exit(0));
console.log(issuer);
