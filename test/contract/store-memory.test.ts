import { createMemoryStore } from "../../src/adapters/memory/store.ts";
import { storeContract } from "./store-suite.ts";

storeContract("memory", async () => ({ store: createMemoryStore(), [Symbol.asyncDispose]: async () => {} }));
