export declare function buildAction(directory: string): Promise<readonly string[]>;
