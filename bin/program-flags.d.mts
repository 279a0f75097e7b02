export const programFlags: readonly string[];
export const programEnvironment: (env: NodeJS.ProcessEnv, root: string) => NodeJS.ProcessEnv;
