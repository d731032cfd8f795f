// 中文：即将运行的命令作业。
import type { Messages } from './index';

export const commands: Messages['newRender']['commands'] = {
  reading: '读取模板',
  readingHint: '此时还不会运行其中的任何内容。',
  parameters: '参数',
  none: '它不需要任何参数。',
  needed: '必填。',
  choose: '请选择…',
  counted: '任务数按作业包中的值和模板的默认值计算。',
  uncounted: '每个参数都有值之后才能计算任务数。',
  where: '命令立即在本节点和你的其他节点上运行，位于没有网络的沙箱中，不收费。',
  beginsPaused: '作业包要求等待：作业会暂停，直到你让它继续。',
  paths: {
    none: { file: '运行命令的电脑上的文件。', directory: '运行命令的电脑上的文件夹。' },
    in: { file: '要读取的文件，相对于模板。', directory: '要读取的文件夹，相对于模板。' },
    out: {
      file: '要写入的文件。节点会保留它，并列在作业中。',
      directory: '要写入的文件夹。节点会保留其中的文件，并列在作业中。',
    },
    in_out: {
      file: '要读取并修改的文件，相对于模板。节点会保留修改后的文件。',
      directory: '要读取并修改的文件夹，相对于模板。节点会保留修改过的内容。',
    },
  },
  range: '整数，例如 1-10,20。',
  list: 'JSON 列表，例如 ["a", "b"]。',
  fault: (fault) => {
    switch (fault.kind) {
      case 'whole':
        return '请输入整数。';
      case 'least':
        return `不能小于 ${fault.bound}。`;
      case 'greatest':
        return `不能大于 ${fault.bound}。`;
      case 'shortest':
        return `至少需要 ${fault.bound} 个字符。`;
      case 'longest':
        return `最多 ${fault.bound} 个字符。`;
      default:
        return '请输入数字。';
    }
  },
  missing: (names) => `必填：${names}。`,
  addHint: '添加的文件放在模板旁边。',
  runHint: '它会立即开始。',
  run: '运行',
};
