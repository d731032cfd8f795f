// Plain tables: typed columns, right-aligned numbers, a head that stays, less important columns leave when it is narrow.
// Long lists (hundreds of rows) use VirtualList instead.
import type { ReactNode } from 'react';
import styles from './Table.module.css';

export interface Column<Row> {
  key: string;
  head: string;
  cell: (row: Row) => ReactNode;
  /** Right-aligned, for numbers. */
  numeric?: boolean;
  /** Only when the table is at least so wide: `wide` 640 px, `wider` 900, `widest` 1200. Phones show the rest. */
  from?: 'wide' | 'wider' | 'widest';
  width?: string;
  /** Its head is a button that sorts by it. */
  sortable?: boolean;
}

/** By which column the rows are sorted; the caller sorts them. */
export interface Sorting {
  key: string;
  descending: boolean;
  onSort: (key: string) => void;
}

interface Props<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string | number;
  onRow?: (row: Row) => void;
  sorting?: Sorting;
}

export function Table<Row>({ caption, columns, rows, rowKey, onRow, sorting }: Props<Row>) {
  const look = (column: Column<Row>) =>
    [column.numeric && styles.numeric, column.from && styles[column.from]].filter(Boolean).join(' ');
  return (
    <div className={styles.frame}>
      <table className={styles.table}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.key}
                scope="col"
                className={look(column)}
                style={{ width: column.width }}
                aria-sort={sorting?.key === column.key ? (sorting.descending ? 'descending' : 'ascending') : undefined}
              >
                {sorting && column.sortable ? (
                  <button type="button" className={styles.sort} onClick={() => sorting.onSort(column.key)}>
                    {column.head}
                  </button>
                ) : (
                  column.head
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className={onRow && styles.clickable} onClick={onRow && (() => onRow(row))}>
              {columns.map((column) => (
                <td key={column.key} className={look(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
