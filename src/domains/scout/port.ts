/** The sample folder that comes with ARW. */
export interface SampleFolder {
  /** Makes the folder as it was shipped, without a former brief, and answers its absolute path. */
  layOut(): Promise<string>;
}
