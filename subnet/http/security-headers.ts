import type { OutgoingHttpHeaders } from 'node:http';

/**
 * What browsers are told about Gridtab's responses. Sources: CSP Level 3, Trusted Types, HTML (COOP, COEP),
 * Fetch (CORP, CORS).
 */
const csp = (directives: Readonly<Record<string, string>>): string =>
  Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`.trim())
    .join('; ');

/** The page: no inline script or style, no eval, no WebAssembly, no framing. */
const DOCUMENT_CSP = csp({
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data: blob:",
  'font-src': "'self'",
  // A volunteer may join any subnet: its manifest is fetched, and its validators are dialled over WebSocket, at
  // addresses only the (signed) manifest knows. Plain http: and ws: are for subnets on a local network; from a page
  // served over HTTPS the browser's mixed-content rules block them anyway.
  'connect-src': "'self' ws: wss: http: https:",
  'worker-src': "'self'",
  'manifest-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
  'require-trusted-types-for': "'script'",
  // One policy, for worker URLs (web/).
  'trusted-types': 'gridtab',
});

/**
 * A worker takes its policy from its own script's response, so WebAssembly is allowed there and not in the page.
 * Models come from the subnet's own HTTP port, hence http: and https:. The runtime starts its threads as workers.
 */
const SCRIPT_CSP = csp({
  'default-src': "'none'",
  'script-src': "'self' 'wasm-unsafe-eval'",
  'connect-src': "'self' http: https:",
  'worker-src': "'self'",
});

/** Data and errors: nothing may run, should a browser ever show one as a page. */
const INERT_CSP = csp({
  'default-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
});

/** Everything powerful is off but what the page is built on. */
const NEVER =
  'accelerometer autoplay camera display-capture encrypted-media geolocation gyroscope hid magnetometer microphone midi ' +
  'payment picture-in-picture publickey-credentials-get serial sync-xhr usb xr-spatial-tracking';
/** Pausing for the user, the battery and other load; staying awake on a kiosk; threads of the WASM runtime. */
const OWN = 'compute-pressure cross-origin-isolated fullscreen idle-detection screen-wake-lock';
const each = (features: string, who: string): string[] =>
  features.split(' ').map((feature) => `${feature}=${who}`);
const PERMISSIONS = [...each(NEVER, '()'), ...each(OWN, '(self)')].join(', ');

/** On every response. HSTS only with a given certificate: with a self-made one it would lock people out. */
export const baseHeaders = (givenCertificate: boolean): OutgoingHttpHeaders => ({
  'Content-Security-Policy': INERT_CSP,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  ...(givenCertificate ? { 'Strict-Transport-Security': 'max-age=31536000' } : {}),
});

/** COOP and COEP isolate the page, which gives the WASM runtime its threads; worker scripts need COEP as well. */
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** For a file of the built page, by its media type. */
export function staticHeaders(mediaType: string): OutgoingHttpHeaders {
  if (mediaType === 'text/html') {
    return { ...ISOLATED, 'Content-Security-Policy': DOCUMENT_CSP, 'Permissions-Policy': PERMISSIONS };
  }
  if (mediaType === 'text/javascript') return { ...ISOLATED, 'Content-Security-Policy': SCRIPT_CSP };
  return {};
}

/** For what pages of other origins may read: the manifest and the models, which are public. No credentials. */
export const SHARED: OutgoingHttpHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Accept-Ranges, Content-Length, Content-Range, ETag',
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

/** The answer to a preflight for the above; a day is the most browsers keep it. */
export const PREFLIGHT: OutgoingHttpHeaders = {
  'Access-Control-Allow-Methods': 'GET, HEAD',
  'Access-Control-Allow-Headers': 'Range, If-Range, If-None-Match, Cache-Control',
  'Access-Control-Max-Age': '86400',
};
