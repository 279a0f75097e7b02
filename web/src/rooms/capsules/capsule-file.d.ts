/** What the build makes of a capsule that is imported. */
declare module "*.capsule" {
  export const base64: string;
}
