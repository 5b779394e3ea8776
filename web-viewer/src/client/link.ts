/** Where the host is and what lets us in. */
export interface ShareLink {
  /** Address of the signaling WebSocket. */
  signalUrl: string;
  /** Empty when the link has none. */
  token: string;
}

/**
 * Reads a share link, `https://host:port/#<token>`. The token is in the fragment because browsers never send that to a
 * server: it appears in no log.
 */
export function parseShareLink(link: string): ShareLink {
  let url: URL;
  try {
    url = new URL(link.trim());
  } catch {
    throw new TypeError('This is not a link. A share link looks like https://host:8443/#token');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new TypeError('A share link begins with https:// or http://');
  }
  const token = decodeToken(url.hash.slice(1));
  const signal = new URL('signal', url);
  signal.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  signal.hash = '';
  signal.search = '';
  return { signalUrl: signal.href, token };
}

/** The token in what a person pasted: a whole link, its end, or the token alone. Empty when there is none. */
export function tokenFromText(text: string): string {
  const trimmed = text.trim();
  const hash = trimmed.indexOf('#');
  const token = hash >= 0 ? decodeToken(trimmed.slice(hash + 1)) : trimmed;
  return /^[\w.~-]+$/.test(token) ? token : '';
}

function decodeToken(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
