/* Which screen an address is. ":x" takes one part, "*x" takes all that follow. */
export interface Match<Name extends string> {
  name: Name;
  params: Record<string, string>;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function matchOne(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split('/');
  const got = path.length > 1 && path.endsWith('/') ? path.slice(0, -1).split('/') : path.split('/');
  const params: Record<string, string> = {};
  for (const [i, part] of want.entries()) {
    if (part.startsWith('*')) {
      if (got.length <= i || !got[i]) return null;
      params[part.slice(1)] = got.slice(i).map(decode).join('/');
      return params;
    }
    const here = got[i];
    if (here === undefined) return null;
    if (part.startsWith(':')) {
      if (!here) return null;
      params[part.slice(1)] = decode(here);
    } else if (part !== here) {
      return null;
    }
  }
  return want.length === got.length ? params : null;
}

export function match<Name extends string>(table: readonly (readonly [string, Name])[], path: string): Match<Name> | null {
  for (const [pattern, name] of table) {
    const params = matchOne(pattern, path);
    if (params) return { name, params };
  }
  return null;
}

/* withParams changes some parts of a query and keeps the others; '' takes one away. */
export function withParams(search: string, changes: Record<string, string>): string {
  const query = new URLSearchParams(search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === '') query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}
