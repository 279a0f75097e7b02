/** What operations need of the world, in plain words. A need that is not here is none: `npm run tidy` says so. */
export const needWords: Readonly<Record<string, string>> = {
  "fs:read": "reads files in folders that you grant",
  "fs:write": "writes files in folders that you grant",
  "net:fetch": "fetches pages from hosts that are open",
  "net:send": "tells those hosts what it asks for",
  "model:ask": "asks a model, with what the run has read",
  "person:ask": "asks you, and waits for what you say",
  "tool:read": "calls tools of MCP servers of which you said that they only read",
  exec: "runs commands on this machine",
  "hub:read": "reads what the hub knows",
  "hub:write": "keeps notes of its own in the hub",
};

export const needText = (need: string): string => needWords[need] ?? need;
