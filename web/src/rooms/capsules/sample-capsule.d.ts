/** Made by the build of a capsule of the examples. */
declare module "virtual:sample-capsule" {
  export const base64: string;
}
