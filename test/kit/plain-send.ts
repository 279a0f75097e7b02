/** Sends without rules, for adapters that are tested on their own. */
import { createWire } from "../../src/adapters/egress/wire.ts";
import { parseWebAddress } from "../../src/base/web-address.ts";
import type { Send } from "../../src/domains/models/port.ts";

const limits = { connectMs: 5_000, firstByteMs: 10_000, wholeMs: 20_000, bodyBytesMax: 8_000_000 };

export function plainSend(signal: AbortSignal): Send {
  const wire = createWire();
  return ({ method, url, headers, body, sink }) => {
    const to = parseWebAddress(url);
    if (typeof to === "string") throw new TypeError(to);
    return wire.send({
      to,
      method,
      headers: Object.entries(headers),
      body: body ?? null,
      isNearOpen: true,
      limits,
      signal,
      ...(sink === undefined ? {} : { sink }),
    });
  };
}
