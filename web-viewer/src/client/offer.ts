/**
 * Asks the host to answer the browser's clock (RFC 3611, receiver reference time), which no browser offers by itself. Who
 * only receives knows no round trip otherwise, and asks for lost packets again after a guess of 100 ms.
 */
export function askForRoundTrips(sdp: string): string {
  return sdp.replace(/^a=rtcp-fb:(\S+) nack\r?$/gm, (line, format: string) => {
    const end = line.endsWith('\r') ? '\r' : '';
    return `${line}\na=rtcp-fb:${format} rrtr${end}`;
  });
}

/** Offers; a browser that takes no description but its own offers that. */
export async function offer(pc: RTCPeerConnection): Promise<void> {
  const own = await pc.createOffer();
  try {
    await pc.setLocalDescription({ type: 'offer', sdp: askForRoundTrips(own.sdp ?? '') });
  } catch {
    await pc.setLocalDescription(own);
  }
}
