// The Clerk stand-in as a child process, and its control commands.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const testFolder = dirname(dirname(fileURLToPath(import.meta.url)));

/** Starts a stand-in and waits for its ready line. */
export async function startStandIn() {
  const child = spawn(
    process.env.PYTHON ?? '/usr/bin/python3',
    ['-m', 'clerk_standin', '--exit-with-parent'],
    {
      env: { ...process.env, PYTHONPATH: testFolder },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const ready = JSON.parse(await firstLine(child));

  async function order(command, wish = {}) {
    const response = await fetch(`${ready.control_url}/${command}`, {
      method: 'POST',
      body: JSON.stringify(wish),
    });
    const answer = await response.json();
    if (!response.ok) {
      throw new Error(`${command}: ${answer.error}`);
    }
    return answer.result;
  }

  return {
    ...ready,
    order,
    mint: (kind, wish = {}) => order('mint', { kind, ...wish }),
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}

function firstLine(child) {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`the stand-in ended with status ${code}`)),
    );
  });
}
