// The device's identity: an Ed25519 key made once per origin, whose fingerprint the gateway pairs with.
// Source: gateway protocol 3, device identity (signature v2).
import { getPublicKey, sign, etc } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2";
import { fromBase64Url, toBase64Url, toHex } from "./bytes";
import { local } from "./storage";

etc.sha512Sync = (...parts: Uint8Array[]) => sha512(etc.concatBytes(...parts));

const KEY = "openclaw.device.key";

export interface Device {
  id: string;
  publicKey: string;
  secret: Uint8Array;
}

export interface Claim {
  clientId: string;
  clientMode: string;
  role: string;
  scopes: string[];
  token: string;
  nonce: string;
}

function secretKey(): Uint8Array {
  const kept = local.get(KEY);
  if (kept) {
    const bytes = fromBase64Url(kept);
    if (bytes.length === 32) return bytes;
  }
  const fresh = crypto.getRandomValues(new Uint8Array(32));
  local.set(KEY, toBase64Url(fresh));
  return fresh;
}

export function loadDevice(): Device {
  const secret = secretKey();
  const publicKey = getPublicKey(secret);
  return { id: toHex(sha256(publicKey)), publicKey: toBase64Url(publicKey), secret };
}

/** The `device` object of a connect request. */
export function signDevice(device: Device, claim: Claim, signedAt: number) {
  const { clientId, clientMode, role, scopes, token, nonce } = claim;
  const text = ["v2", device.id, clientId, clientMode, role, scopes.join(","), signedAt, token, nonce].join("|");
  const signature = toBase64Url(sign(new TextEncoder().encode(text), device.secret));
  return { id: device.id, publicKey: device.publicKey, signature, signedAt, nonce };
}
