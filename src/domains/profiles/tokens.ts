/** How much a text is to a model, where nobody counts. English has about four bytes in a token, other writing fewer. */
const bytesPerToken = 3;
const encoder = new TextEncoder();

/** An estimate, on the safe side for most writing. */
export const approximateTokens = (text: string): number => Math.ceil(encoder.encode(text).length / bytesPerToken);
