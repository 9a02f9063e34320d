def module_text(*a):
    raise NotImplementedError
