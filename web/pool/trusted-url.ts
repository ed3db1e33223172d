/**
 * The page's Content-Security-Policy demands Trusted Types with one policy, `gridtab`: a worker may be started from our
 * own origin and nowhere else, and nothing else on the page makes scripts from strings.
 */
type Policy = { createScriptURL(url: string): unknown };
type Factory = {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy;
};

/** Throws TypeError for a URL of another origin. */
export function requireSameOrigin(url: string, pageUrl: string): string {
  const resolved = new URL(url, pageUrl);
  if (resolved.origin !== new URL(pageUrl).origin)
    throw new TypeError(`not a script of ours: ${resolved.href}`);
  return resolved.href;
}

const factoryOf = (scope: object): Factory | undefined =>
  'trustedTypes' in scope ? (scope.trustedTypes as Factory | undefined) : undefined;

let policy: Policy | undefined;

/**
 * `url` as `new Worker` wants it: a TrustedScriptURL where the browser has Trusted Types, a string elsewhere. Typed as
 * string, since the DOM typings know no TrustedScriptURL for workers yet.
 */
export function trustedScriptUrl(url: string): string {
  const pageUrl = globalThis.location.href;
  policy ??= factoryOf(globalThis)?.createPolicy('gridtab', {
    createScriptURL: (candidate) => requireSameOrigin(candidate, pageUrl),
  });
  if (policy === undefined) return requireSameOrigin(url, pageUrl);
  return policy.createScriptURL(url) as string;
}
