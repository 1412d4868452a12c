import { open, readlink } from 'node:fs/promises';
