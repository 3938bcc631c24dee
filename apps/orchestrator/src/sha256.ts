import { hash } from 'node:crypto';

/** What `decide` gets as `digest`: SHA-256 of the UTF-8 text, hex. */
export const sha256 = (text: string): string => hash('sha256', text, 'hex');
