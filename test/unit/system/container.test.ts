import { describe, expect, it } from 'vitest';
import { type ContainerMarks, containerOf } from '../../../src/system/container.ts';

const NONE: ContainerMarks = {
  onMachine: false,
  dockerFile: false,
  podmanFile: false,
  kubernetes: false,
  declared: null,
  release: '6.1.0-18-amd64',
};

describe('the surrounding container', () => {
  it.each([
    ['docker', { dockerFile: true }],
    ['podman', { podmanFile: true }],
    ['kubernetes', { kubernetes: true }],
    ['lxc', { declared: 'lxc' }],
    ['wsl', { release: '5.15.153.1-microsoft-standard-WSL2' }],
    [null, {}],
  ])('is %s by its marks', (kind, marks) => {
    expect(containerOf({ ...NONE, ...marks })).toBe(kind);
  });

  it('counts by its marks if the namespaces are unknown, as for a plain user', () => {
    expect(containerOf({ ...NONE, onMachine: null, dockerFile: true })).toBe('docker');
  });

  it('is none in a virtual machine that was made from an image and has its files', () => {
    const marks = { dockerFile: true, podmanFile: true, kubernetes: true, declared: 'oci' };
    expect(containerOf({ ...NONE, ...marks, onMachine: true })).toBeNull();
  });

  it('is WSL also in the namespaces of process 1', () => {
    expect(containerOf({ ...NONE, onMachine: true, release: '5.15-Microsoft' })).toBe('wsl');
  });
});
