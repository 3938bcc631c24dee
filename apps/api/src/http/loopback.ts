/** Which host names mean this machine and nothing else. */

/** `localhost`, 127.0.0.0/8, `::1` with or without brackets; without a port. */
export const isLoopbackHost = (host: string): boolean => {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name === '::1' || /^127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(name);
};

/** The name in a `Host` header or an origin's authority; undefined where it is not one. */
export const hostName = (authority: string): string | undefined =>
  /^(\[[0-9a-fA-F:]+\]|[^:/@\s[\]]+)(:\d{1,5})?$/.exec(authority)?.[1];
