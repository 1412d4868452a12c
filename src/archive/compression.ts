/** How an archive or image layer is compressed. */
export type Compression = 'none' | 'gzip' | 'zstd';
