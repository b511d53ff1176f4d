import { Select } from '@mantine/core';

import { useProcesses } from '../api/queries';
import { useParameter } from '../lib/url';
import { LogList } from '../logs/LogList';
import { t } from '../texts';
import { Page } from '../ui/parts';

export default function Logs() {
  const [process, setProcess] = useParameter('process');
  const processes = useProcesses();
  return (
    <Page title={t.logs.title}>
      <LogList
        where={{ process: process || undefined }}
        more={
          <Select
            label={t.logs.process}
            placeholder={t.all}
            clearable
            searchable
            limit={100}
            w={200}
            value={process || null}
            onChange={(value) => setProcess(value)}
            data={(processes.data ?? []).map((each) => each.name)}
          />
        }
      />
    </Page>
  );
}
