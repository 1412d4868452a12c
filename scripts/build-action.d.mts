export declare function buildAction(folder: string): Promise<readonly string[]>;
