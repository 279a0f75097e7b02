export const programFlags: readonly string[];
export const programEnvironment: (env: NodeJS.ProcessEnv) => NodeJS.ProcessEnv;
