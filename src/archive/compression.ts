/** How an archive or a layer of an image is compressed. */
export type Compression = 'none' | 'gzip' | 'zstd';
